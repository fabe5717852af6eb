import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEV_URL_FILE } from '../commands/running-dev.ts';

/**
 * Writes the address of the API beside the token, so that commands in this folder find both. Returns what removes it
 * again: a token must not be sent to whatever listens on the port later.
 */
export async function writeDevAddress(dataDir: string, url: string): Promise<() => Promise<void>> {
  const path = join(dataDir, DEV_URL_FILE);
  await writeFile(path, url, { mode: 0o600 });
  return () => rm(path, { force: true });
}
