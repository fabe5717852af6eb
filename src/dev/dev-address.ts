import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEV_URL_FILE } from '../commands/running-dev.ts';

/** Writes the address of the API beside the token, so that commands in this folder find both. */
export function writeDevAddress(dataDir: string, url: string): Promise<void> {
  return writeFile(join(dataDir, DEV_URL_FILE), url, { mode: 0o600 });
}

/** A token must not be sent to whatever listens on the port later. */
export function removeDevAddress(dataDir: string): Promise<void> {
  return rm(join(dataDir, DEV_URL_FILE), { force: true });
}
