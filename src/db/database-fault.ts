import pg from 'pg';

/** Data exception, program limit exceeded, not supported: the statement is wrong. PostgreSQL manual, appendix A. */
const WRONG_STATEMENT = /^(22|54|0A)/;
/** Such as ECONNREFUSED; Node's own begin with ERR_. */
const SYSTEM_ERROR = /^E(?!RR_)[A-Z0-9_]+$/;
/** What `pg` says of a connection that fails, without a code. */
export const PG_CONNECTION_MESSAGES =
  /^(Connection terminated|timeout expired$|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Whether an error comes from Postgres or the way to it, and may be gone when the same is tried again. */
export function isDatabaseFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (error instanceof pg.DatabaseError) return !WRONG_STATEMENT.test(code);
  return SYSTEM_ERROR.test(code) || PG_CONNECTION_MESSAGES.test(error.message);
}
