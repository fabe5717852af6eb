// node scripts/setup.mjs [--for demo|dev|test|openapi|check]: gets what is missing for that; default test, which is
// everything but schemathesis. It has no dependencies: on a bare clone it runs before there are any.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfStale } from './setup/build.mjs';
import { withLock } from './setup/lock.mjs';
import { installPackages } from './setup/packages.mjs';
import { Problem } from './setup/problem.mjs';
import { ensureSchemathesis } from './setup/schemathesis.mjs';
import { ensureTemporalCli } from './setup/temporal-cli.mjs';
import { ensureTestServer } from './setup/test-server.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const PARTS = {
  check: [],
  dev: ['build', 'temporal'],
  demo: ['build', 'temporal'],
  test: ['build', 'temporal', 'test-server'],
  openapi: ['build', 'temporal', 'test-server', 'schemathesis'],
};

// An exit stops what runs for this process; a signal alone would leave it running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

try {
  await setUp(parts());
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(`\nsetup: ${error.message}`);
  process.exitCode = 1;
}

function parts() {
  const { values } = parseArgs({ options: { for: { type: 'string', default: 'test' } } });
  const wanted = PARTS[values.for];
  if (wanted === undefined) throw new Problem(`--for is one of ${Object.keys(PARTS).join(', ')}.`);
  return wanted;
}

async function setUp(wanted) {
  await withLock(join(ROOT, '.latchkey', 'setup.lock'), async () => {
    await installPackages(ROOT);
    if (wanted.includes('build')) await buildIfStale(ROOT);
  });
  if (!wanted.includes('build')) return;
  // What was just built: where a program is looked for has one home.
  const binaries = await import('../dist/dev/embedded/server-binaries.js');
  if (wanted.includes('temporal')) await ensureTemporalCli(binaries, process.env);
  if (wanted.includes('test-server')) await ensureTestServer(binaries, process.env);
  if (wanted.includes('schemathesis')) await ensureSchemathesis(ROOT, binaries.cacheFolder(process.env));
}
