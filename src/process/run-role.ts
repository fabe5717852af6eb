import {
  type Config,
  ConfigurationRefused,
  formatProblems,
  loadConfig,
  type Role,
} from '../config/load-config.ts';
import { createLogger, type Logger, type LoggerOptions } from '../logging/logger.ts';
import { CannotRun, knownDatabaseFailure } from './cannot-run.ts';
import { temporalFailure } from './temporal-failure.ts';

/**
 * Runs one command with its role's configuration. Prints every problem of the configuration on stderr (exit code 2),
 * whether this function or `run` finds it. Logs any other error of `run` in one line (exit code 1). The process ends
 * at once after an error: `run` has closed what must be closed, and the SDK's native threads would keep the process
 * alive.
 *
 * @param name on every log line. Default: the role's name
 * @param destination of the log. Default: stdout
 */
export async function runRole<R extends Role>(
  role: R,
  run: (config: Config<R>, logger: Logger) => Promise<void>,
  name: string = role,
  destination?: LoggerOptions['destination'],
): Promise<void> {
  const loaded = loadConfig(role);
  if (!loaded.ok) return refuse(formatProblems(loaded.problems));
  const logger = createLogger({ level: loaded.config.logLevel, name, ...(destination && { destination }) });
  logWarnings(logger);
  try {
    await run(loaded.config, logger);
  } catch (error) {
    if (error instanceof ConfigurationRefused) refuse(error.message);
    else logFailure(logger, name, failureOf(error, loaded.config));
    process.exit();
  }
}

/** Converts an outage or a refusal of Postgres or Temporal to CannotRun. Returns any other error unchanged. */
function failureOf(error: unknown, { temporal }: { temporal: Config<Role>['temporal'] }): unknown {
  return knownDatabaseFailure(error) ?? (temporal ? temporalFailure(error, temporal) : error);
}

/** Logs Node's warnings, which Node would print as text between the lines of JSON. */
function logWarnings(logger: Logger): void {
  process.removeAllListeners('warning').on('warning', ({ name: warning, message }) => {
    logger.warn({ warning }, message);
  });
}

/** Logs at any log level, because nothing else says why the process has ended. */
function logFailure(logger: Logger, name: string, error: unknown): void {
  const line = logger.child({}, { level: 'fatal' });
  if (error instanceof CannotRun) {
    line.fatal(`${name} failed: ${error.message}`);
    if (error.cause !== undefined) logger.debug({ err: error.cause }, 'the cause');
  } else line.fatal({ err: error }, `${name} failed`);
  process.exitCode = 1;
}

/** Prints why the command did nothing. */
export function refuse(problem: string): void {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}
