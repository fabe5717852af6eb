import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

/** TypeDoc reads types with the compiler API that TypeScript 7 no longer has, so it brings a TypeScript of its own. */
const PACKAGES = { typedoc: '0.28.20', 'typedoc-plugin-markdown': '4.14.1', typescript: '6.0.3' };

/**
 * Installs TypeDoc into the cache, beside no package of this project. Returns its folder.
 *
 * @param {string} cache
 */
export async function ensureTypedoc(cache) {
  const folder = join(cache, `typedoc-${Object.values(PACKAGES).join('-')}`);
  // Written last, so that an incomplete installation is repeated.
  const complete = join(folder, 'complete');
  await withLock(join(cache, 'typedoc.lock'), async () => {
    if (existsSync(complete)) return;
    say(`installing TypeDoc ${PACKAGES.typedoc}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: PACKAGES }));
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { ok, output } = await run('npm', args, { cwd: folder, doing: 'installing TypeDoc' });
    if (!ok) throw new Problem(`npm could not install TypeDoc:\n${output}`);
    writeFileSync(complete, '');
  });
  return folder;
}
