// 08: connection exceptions; 57P: shutdown, crash, not accepting connections yet; 53300: too many
// connections; 57014: a statement over its time limit. PostgreSQL manual, appendix A.
const SQLSTATES = /^(08...|57P0.|53300|57014)$/;

const SOCKET_CODES: readonly unknown[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ECONNABORTED',
  'ENETDOWN',
  'EHOSTDOWN',
];

// `pg` gives these no code.
const PG_MESSAGES =
  /^(Connection terminated|timeout expired$|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Whether an error says that Postgres can't be reached, rather than that a statement is wrong. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = 'code' in error ? error.code : undefined;
  if (SOCKET_CODES.includes(code)) return true;
  return (typeof code === 'string' && SQLSTATES.test(code)) || PG_MESSAGES.test(error.message);
}

/** A table or column that this version needs is not there. 42P01, 42703. */
export function isSchemaMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42P01' || error.code === '42703');
}

/** Text that Postgres can't store, such as U+0000. 22021, 22P05. */
export function isUnstorableText(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '22021' || error.code === '22P05');
}
