import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

/**
 * Installs schemathesis into a virtual environment in the cache. test/openapi/requirements.txt defines the version.
 *
 * @param {string} root
 * @param {string} cache
 */
export async function ensureSchemathesis(root, cache) {
  const requirements = join(root, 'test', 'openapi', 'requirements.txt');
  const [, version] = readFileSync(requirements, 'utf8').match(/^schemathesis==(\S+)$/m) ?? [];
  const folder = join(cache, `schemathesis-${version}`);
  // Written last, so that an incomplete installation is repeated.
  const complete = join(folder, 'complete');
  await withLock(join(cache, 'schemathesis.lock'), async () => {
    if (existsSync(complete)) return;
    say(`installing schemathesis ${version}`);
    await runOrExplain('python3', ['-m', 'venv', '--clear', folder]);
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--requirement', requirements];
    await runOrExplain(join(folder, 'bin', 'python'), pip);
    writeFileSync(complete, '');
  });
}

async function runOrExplain(command, args) {
  const { ok, output } = await run(command, args, { doing: 'installing schemathesis' });
  if (!ok) throw new Problem(`schemathesis needs Python 3.10 or newer with venv and pip.\n${output}`);
}
