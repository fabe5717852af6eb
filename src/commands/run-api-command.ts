import { LatchkeyApiError, type LatchkeyApiOptions } from '../client/api-request.ts';
import { type ApiAccess, formatProblems, loadApiAccess } from '../config/load-config.ts';
import { refuse } from '../process/run-role.ts';
import { explainRefusal } from './api-advice.ts';
import { CommandRefused } from './command-refused.ts';
import { findRunningDev } from './running-dev.ts';

/** The end of the help of every command over the HTTP API. */
export const API_EXIT_CODES = `
Exit code: 0 done; 1 not done; 2 wrong configuration, or no Latchkey to ask.`;

/**
 * Runs a command over the HTTP API. Says on stderr why it was not done: exit code 1 where the API refused or an
 * argument is wrong, 2 where the environment is wrong and no `latchkey dev` runs in this folder.
 *
 * @param onStdoutError default: ends the process if the reader of a pipe has seen enough
 */
export async function runApiCommand(
  run: (api: LatchkeyApiOptions, access: ApiAccess) => Promise<void>,
  onStdoutError: (error: NodeJS.ErrnoException) => void = endQuietly,
): Promise<void> {
  const loaded = loadApiAccess();
  if (!loaded.ok) return refuse(formatProblems(loaded.problems));
  const api = await apiOf(loaded.access);
  if (api === undefined) return refuse(NO_API);
  process.stdout.on('error', onStdoutError);
  try {
    await run(api, loaded.access);
  } catch (error) {
    process.stderr.write(`${reasonOf(error, api)}\n`);
    process.exitCode = 1;
  }
}

/** A reader that has seen enough, such as `head`, closes the pipe. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** @throws any other error */
function reasonOf(error: unknown, api: LatchkeyApiOptions): string {
  if (error instanceof CommandRefused) return error.message;
  if (error instanceof LatchkeyApiError) return explainRefusal(error, api);
  throw error;
}

const NO_API = `No running Latchkey was found: set LATCHKEY_URL and LATCHKEY_TOKEN, or run this in the folder in which \`latchkey dev\` runs.`;

async function apiOf({ api, dataDir }: ApiAccess): Promise<LatchkeyApiOptions | undefined> {
  if (api.url !== undefined) return { url: api.url, token: api.token.reveal() };
  const { url, token = '' } = await findRunningDev(dataDir);
  const chosen = api.token?.reveal() ?? token;
  return url === undefined || chosen === '' ? undefined : { url, token: chosen };
}
