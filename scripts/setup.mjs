// node scripts/setup.mjs [--for demo|dev|test|browser|openapi|check]
// Installs whatever is missing for that purpose. The default, test, installs everything except schemathesis. The
// script has no dependencies, because on a fresh clone it runs before any are installed.
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
  // The tests look for Chromium themselves, and say how to get it.
  browser: ['build', 'temporal'],
  openapi: ['build', 'temporal', 'test-server', 'schemathesis'],
};

// `process.exit` runs the handlers that stop child processes. A signal without a handler would leave them running.
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
  // From the new build, so that the search for programs is implemented only once.
  const binaries = await import('../dist/dev/embedded/server-binaries.js');
  if (wanted.includes('temporal')) await ensureTemporalCli(binaries, process.env);
  if (wanted.includes('test-server')) await ensureTestServer(binaries, process.env);
  if (wanted.includes('schemathesis')) await ensureSchemathesis(ROOT, binaries.cacheFolder(process.env));
}
