import { readFileSync } from 'node:fs';
import { z } from 'zod';

// Two levels up from src/config and from dist/config alike.
const PACKAGE_JSON = new URL('../../package.json', import.meta.url);

/** The version of this package. */
export function packageVersion(): string {
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE_JSON, 'utf8'))).version;
}
