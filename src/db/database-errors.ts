/**
 * What an error of Postgres, or of the connection to it, means. Decides by SQLSTATE (PostgreSQL manual, appendix A:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html). An error before there is a session has a code of
 * the operating system instead, or only a message of `pg`.
 */
import pg from 'pg';

/** Codes, or how they begin. A code may have several meanings. */
const SQLSTATES = {
  /** The database can't be used now, whatever the statement is. */
  unavailable: [
    '08', // Connection exceptions.
    '25006', // Read-only, as a standby is, or the primary during a failover.
    '25P03', // A transaction over its idle limit.
    '25P04', // A transaction over its time limit.
    '28', // This user is refused.
    '3D000', // The database does not exist.
    '40001', // A transaction that has to be repeated: serialization failure.
    '40003', // Whether the statement completed is unknown.
    '40P01', // A deadlock.
    '42501', // This user lacks a right.
    '53', // No connections, memory or disk left.
    '55P03', // A lock that was not available in time.
    '57014', // A statement over its time limit.
    '57P0', // Shutdown, crash, not accepting connections yet.
    '58', // The disk fails.
    'F0', // The configuration file is wrong.
    'XX', // Postgres itself fails.
  ],
  /** The statement fails each time: data exception, program limit exceeded, not supported. */
  wrongStatement: ['22', '54', '0A'],
  /** A value that Postgres can't store: text such as U+0000, a number or a time out of range. */
  unstorable: ['22003', '22008', '22021', '22P05'],
  /** A table or column that this version needs does not exist. */
  schemaMissing: ['42P01', '42703'],
  tableMissing: ['42P01'],
  readOnly: ['25006'],
  userRefused: ['28000', '28P01'],
  databaseMissing: ['3D000'],
  rightMissing: ['42501'],
} as const;

const SOCKET_CODES: readonly string[] = [
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
/** Such as ECONNREFUSED. Node's own codes begin with ERR_. */
const SYSTEM_CODE = /^E(?!RR_)[A-Z0-9_]+$/;
/** The messages of `pg` about a connection that fails. These errors have no code. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout expired$|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Whether Postgres can't be reached or used now. False where the statement is wrong. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  if (SOCKET_CODES.includes(code)) return true;
  return means(code, 'unavailable') || CONNECTION_MESSAGES.test(error.message);
}

/** Whether an error comes from Postgres or the connection to it, and may not recur when the same is tried again. */
export function isDatabaseFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  if (error instanceof pg.DatabaseError) return !means(code, 'wrongStatement');
  return SYSTEM_CODE.test(code) || CONNECTION_MESSAGES.test(error.message);
}

export const isSchemaMissing = (error: unknown): boolean => means(codeOf(error), 'schemaMissing');
export const isTableMissing = (error: unknown): boolean => means(codeOf(error), 'tableMissing');
export const isUnstorable = (error: unknown): boolean => means(codeOf(error), 'unstorable');
export const isReadOnly = (error: unknown): boolean => means(codeOf(error), 'readOnly');
export const isUserRefused = (error: unknown): boolean => means(codeOf(error), 'userRefused');
export const isDatabaseMissing = (error: unknown): boolean => means(codeOf(error), 'databaseMissing');
export const isRightMissing = (error: unknown): boolean => means(codeOf(error), 'rightMissing');

function means(code: string, meaning: keyof typeof SQLSTATES): boolean {
  return code.length === 5 && SQLSTATES[meaning].some((start) => code.startsWith(start));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
