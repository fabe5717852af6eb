import { DatabaseUnmigrated } from './db/migrations.ts';
import { isDatabaseUnavailable } from './http/database-unavailable.ts';

/**
 * A process can't start, or can't go on. The message says in one line what is wrong and what its operator can
 * do; it holds no secret and no text of another system.
 */
export class CannotRun extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CannotRun';
  }
}

/** Why an address can't be listened on, or the error as it is. */
export function listenFailure(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const problem = listenProblem(codeOf(error), host, port);
  return problem === undefined ? error : new CannotRun(problem, { cause: error });
}

function listenProblem(code: unknown, host: string, port: number): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: stop what listens there, or set PORT to another one`;
    case 'EACCES':
      return `port ${port} may not be listened on by this user: set PORT to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return `${host} is not an address of this machine: set HOST to one, or to 0.0.0.0 for all`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} can't be resolved: set HOST to an address of this machine`;
    default:
      return undefined;
  }
}

/** Why a database can't be used, or the error as it is. Ends of what may heal by itself are not for a process that waits. */
export function databaseFailure(error: unknown): unknown {
  const problem = lastingDatabaseProblem(error) ?? passingDatabaseProblem(error);
  return problem === undefined ? error : new CannotRun(problem, { cause: error });
}

/** What only an operator can mend. SQLSTATE: PostgreSQL manual, appendix A. */
export function lastingDatabaseProblem(error: unknown): string | undefined {
  if (error instanceof DatabaseUnmigrated) return error.message;
  switch (codeOf(error)) {
    case '28P01':
    case '28000':
      return 'Postgres refuses the user or the password: set DATABASE_URL right';
    case '3D000':
      return 'Postgres has no such database: create it and run `latchkey migrate`, or set DATABASE_URL right';
    case '42501':
      return 'the database user lacks a right: grant it what the documentation of operations lists, or set DATABASE_URL right';
    default:
      return undefined;
  }
}

function passingDatabaseProblem(error: unknown): string | undefined {
  if (!isDatabaseUnavailable(error)) return undefined;
  return "Postgres can't be reached: start it, or set DATABASE_URL right";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
