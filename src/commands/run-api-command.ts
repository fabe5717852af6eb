import { LatchkeyApiError, type LatchkeyApiOptions } from '../client/api-request.ts';
import { type ApiAccess, formatProblems, loadApiAccess } from '../config/load-config.ts';
import { refuse } from '../process/run-role.ts';
import { findRunningDev } from './running-dev.ts';

/** The end of the help of every command over the HTTP API. */
export const API_EXIT_CODES = `
Exit code: 0 done; 1 not done; 2 wrong configuration, or no Latchkey to ask.`;

/**
 * Runs a command over the HTTP API. Says on stderr why it was not done: exit code 1 where the API refused, 2 where the
 * environment is wrong and no `latchkey dev` runs in this folder.
 */
export async function runApiCommand(
  run: (api: LatchkeyApiOptions, access: ApiAccess) => Promise<void>,
): Promise<void> {
  const loaded = loadApiAccess();
  if (!loaded.ok) return refuse(formatProblems(loaded.problems));
  const api = await apiOf(loaded.access);
  if (api === undefined) return refuse(NO_API);
  try {
    await run(api, loaded.access);
  } catch (error) {
    if (!(error instanceof LatchkeyApiError)) throw error;
    process.stderr.write(`${explain(error, api)}\n`);
    process.exitCode = 1;
  }
}

const NO_API = `No running Latchkey was found: set LATCHKEY_URL and LATCHKEY_TOKEN, or run this in the folder in which \`latchkey dev\` runs.`;

async function apiOf({ api, dataDir }: ApiAccess): Promise<LatchkeyApiOptions | undefined> {
  if (api.url !== undefined) return { url: api.url, token: api.token.reveal() };
  const { url, token = '' } = await findRunningDev(dataDir);
  const chosen = api.token?.reveal() ?? token;
  return url === undefined || chosen === '' ? undefined : { url, token: chosen };
}

function explain({ status, code, message }: LatchkeyApiError, { url }: LatchkeyApiOptions): string {
  if (code === 'unreachable') return `No Latchkey answers at ${url}.`;
  if (code === 'unexpected-answer') return `What answers at ${url} is not Latchkey's API: ${message}.`;
  return status === 401
    ? `${message} The token is LATCHKEY_TOKEN, or that of \`latchkey dev\`.`
    : `${message} (${code})`;
}
