import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFolderLocked } from '../process/lock-folder.ts';

/** The files in the data folder of `latchkey dev` that say how to reach it. It removes the address when it ends. */
export const DEV_URL_FILE = 'url';
export const DEV_TOKEN_FILE = 'token';
/** What it started or generated itself, as a JSON object of environment variables, for commands that do without the API. */
export const DEV_ENVIRONMENT_FILE = 'environment.json';

/**
 * The address of the `latchkey dev` that runs on the data folder, and its token if it issues one. Files that a killed
 * process left behind don't count: something else may listen at that address now, and must not get the token.
 */
export async function findRunningDev(dataDir: string): Promise<{ url?: string; token?: string }> {
  if (!(await isFolderLocked(dataDir))) return {};
  const [url, token] = await Promise.all(
    [DEV_URL_FILE, DEV_TOKEN_FILE].map((name) => read(join(dataDir, name))),
  );
  return { ...(url !== undefined && { url }), ...(token !== undefined && { token }) };
}

/** The variables of the `latchkey dev` that runs on the data folder. Undefined: none runs. */
export async function readDevEnvironment(dataDir: string): Promise<Record<string, string> | undefined> {
  if (!(await isFolderLocked(dataDir))) return undefined;
  const text = await read(join(dataDir, DEV_ENVIRONMENT_FILE));
  // The cast trusts what `latchkey dev` wrote: the folder is locked by a process of this user.
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>);
}

async function read(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}
