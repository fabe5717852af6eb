import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

export const HOW_TO_GET_CHROMIUM =
  'The browser tests need Chromium: `apt-get install chromium` on Debian and Ubuntu, or CHROMIUM_PATH set to a Chromium or Chrome.';

/** The program of `CHROMIUM_PATH`, else the first one on the PATH. Undefined if there is none. */
export function findChromium(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  if (environment.CHROMIUM_PATH)
    return isProgram(environment.CHROMIUM_PATH) ? environment.CHROMIUM_PATH : undefined;
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
