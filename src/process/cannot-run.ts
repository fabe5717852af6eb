import {
  isDatabaseMissing,
  isDatabaseUnavailable,
  isRightMissing,
  isSchemaMissing,
  isUserRefused,
} from '../db/database-errors.ts';
import { DatabaseUnmigrated } from '../db/migrations.ts';

/**
 * A process can't start or can't go on. The message says in one line what is wrong and what the operator can do. It
 * contains no secret and no text of another system.
 */
export class CannotRun extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CannotRun';
  }
}

/** Converts an error of listening on an address to CannotRun. Returns any other error unchanged. */
export function listenFailure(
  error: unknown,
  address: { host: string; port: number },
  variables: AddressVariables = { host: 'HOST', port: 'PORT' },
): unknown {
  const problem = listenProblem(codeOf(error), address, variables);
  return problem === undefined ? error : new CannotRun(problem, { cause: error });
}

/** The names of the variables that configure an address. */
interface AddressVariables {
  host: string;
  port: string;
}

function listenProblem(
  code: unknown,
  { host, port }: { host: string; port: number },
  variables: AddressVariables,
): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: stop what listens there, or set ${variables.port} to another one`;
    case 'EACCES':
      return `port ${port} may not be listened on by this user: set ${variables.port} to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return `${host} is not an address of this machine: set ${variables.host} to one, or to 0.0.0.0 for all`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} can't be resolved: set ${variables.host} to an address of this machine`;
    default:
      return undefined;
  }
}

/** Converts any error of work that only uses the database to CannotRun. */
export function databaseFailure(error: unknown): CannotRun {
  return new CannotRun(lastingDatabaseProblem(error) ?? UNREACHABLE, { cause: error });
}

/** The same for work that uses other systems too. Returns undefined for an error that is not of Postgres or `pg`. */
export function knownDatabaseFailure(error: unknown): CannotRun | undefined {
  if (error instanceof CannotRun || !(error instanceof Error)) return undefined;
  const isKnown = isDatabaseUnavailable(error) || specialProblem(error) !== undefined || isSqlState(error);
  return isKnown ? databaseFailure(error) : undefined;
}

const UNREACHABLE = "Postgres can't be reached: start it, or correct DATABASE_URL";

/** Says what the operator has to correct. Returns undefined while Postgres is only unavailable. */
export function lastingDatabaseProblem(error: unknown): string | undefined {
  const special = specialProblem(error);
  if (special !== undefined) return special;
  if (isDatabaseUnavailable(error)) return undefined;
  const code = codeOf(error);
  // A code is too short to hold a secret; a message is not.
  const shownCode = typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? ` (${code})` : '';
  return `Postgres can't be used${shownCode}: correct DATABASE_URL, and see the log of Postgres`;
}

function specialProblem(error: unknown): string | undefined {
  if (error instanceof DatabaseUnmigrated) return error.message;
  if (isSchemaMissing(error)) return 'the database lacks migrations of this version: run `latchkey migrate`';
  if (isUserRefused(error)) return 'Postgres refuses the user or the password: correct DATABASE_URL';
  if (isDatabaseMissing(error)) {
    return 'Postgres has no such database: create it and run `latchkey migrate`, or correct DATABASE_URL';
  }
  if (isRightMissing(error)) {
    return 'the database user lacks a right: grant it the rights that the documentation lists, or correct DATABASE_URL';
  }
  return error instanceof Error ? problemOfDriver(error) : undefined;
}

/** For errors before there is a session. Those of `pg` have no code; some of Node's TLS errors and PgBouncer's have. */
function problemOfDriver(error: Error): string | undefined {
  if (/^The server does not support SSL/.test(error.message)) {
    return 'Postgres speaks no TLS: turn it on there, or set sslmode=disable in DATABASE_URL';
  }
  if (/^(SASL: .*password must be|Password must be)/.test(error.message)) {
    return 'Postgres asks for a password and DATABASE_URL has none: set it there';
  }
  if (/^unsupported startup parameter/.test(error.message)) {
    return 'the pooler in front of Postgres refuses statement_timeout: set ignore_startup_parameters = statement_timeout in PgBouncer';
  }
  const code = codeOf(error);
  if (typeof code !== 'string') return undefined;
  if (CERTIFICATE_CODES.test(code)) {
    return `the certificate of Postgres is not trusted (${code}): set sslrootcert=<file of its CA> in DATABASE_URL, or NODE_EXTRA_CA_CERTS`;
  }
  return /^(EPROTO|ERR_SSL_.+)$/.test(code)
    ? `TLS with Postgres fails (${code}): correct sslmode in DATABASE_URL`
    : undefined;
}

/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODES =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|CERT_.*|CRL_.*|ERROR_IN_CERT_.*|ERROR_IN_CRL_.*|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_.*)$/;

/** Whether Postgres sent the error: only then does it have a severity. */
function isSqlState(error: Error): boolean {
  return 'severity' in error && typeof codeOf(error) === 'string';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
