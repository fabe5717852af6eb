import { existsSync } from 'node:fs';

export const MISSING = 'no pgbouncer: set PGBOUNCER_PATH, or install it (apt-get install pgbouncer)';

/** Debian installs it in `/usr/sbin`, which is not on every user's `PATH`. */
const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin'];

/** The program's path: `PGBOUNCER_PATH`, or where it is installed. Undefined if there is none. */
export function findPgBouncer(): string | undefined {
  const { PGBOUNCER_PATH: given } = process.env;
  return [...(given ? [given] : []), ...FOLDERS.map((folder) => `${folder}/pgbouncer`)].find((path) =>
    existsSync(path),
  );
}
