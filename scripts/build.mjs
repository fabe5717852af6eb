import { fileURLToPath } from 'node:url';
import { build } from './setup/build.mjs';
import { withLock } from './setup/lock.mjs';
import { Problem } from './setup/problem.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  await withLock(`${root}.latchkey/setup.lock`, () => build(root));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
