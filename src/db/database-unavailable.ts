import { PG_CONNECTION_MESSAGES } from './database-fault.ts';

// 08: connection exceptions; 25006: read-only, as a standby is or the primary during a failover; 25P: a transaction
// over its time limit; 28, 3D000, 42501: it refuses this user, or lacks the database; 40: a transaction that is to be
// repeated; 53: out of connections, memory or disk; 55P03: a lock not had in time; 57P: shutdown, crash, not accepting
// connections yet; 57014: a statement over its time limit; 58: its disk fails; F0: its configuration; XX: it fails
// itself. PostgreSQL manual, appendix A.
const SQLSTATES =
  /^(08...|25006|25P0[34]|28...|3D000|42501|40001|40P01|40003|53...|55P03|57P0.|57014|58...|F0...|XX...)$/;

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

/** Whether an error says that Postgres can't be reached, rather than that a statement is wrong. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = 'code' in error ? error.code : undefined;
  if (SOCKET_CODES.includes(code)) return true;
  return (typeof code === 'string' && SQLSTATES.test(code)) || PG_CONNECTION_MESSAGES.test(error.message);
}

/** A table or column that this version needs is not there. 42P01, 42703. */
export function isSchemaMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42P01' || error.code === '42703');
}

const UNSTORABLE: readonly unknown[] = ['22021', '22P05', '22003', '22008'];

/** What Postgres can't store: text such as U+0000, a number or a time out of its range. 22021, 22P05, 22003, 22008. */
export function isUnstorable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNSTORABLE.includes(error.code);
}
