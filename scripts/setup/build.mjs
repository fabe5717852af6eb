import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

const BUNDLE_ENVCONFIG = fileURLToPath(new URL('../bundle-envconfig.mjs', import.meta.url));
const BUNDLE_WORKFLOWS = fileURLToPath(new URL('../bundle-workflows.mjs', import.meta.url));
const BUILT_FROM = '.built-from';
const CLI = 'cli.js';

/** Builds `dist`, unless it was built from the same sources. */
export async function buildIfStale(root) {
  const sources = fingerprint(root);
  if (readIfExists(join(root, 'dist', BUILT_FROM)) === sources) return;
  say('building …');
  await build(root, sources);
}

/**
 * Builds beside `dist` and swaps the folders at the end. A process that runs from `dist` never sees an incomplete
 * build, and a build that fails or is killed keeps the previous one. The caller holds the lock, so only one build
 * runs.
 */
export async function build(root, sources = fingerprint(root)) {
  const [next, last] = [join(root, 'dist-next'), join(root, 'dist-last')];
  const clear = () => [next, last].map((folder) => rmSync(folder, { recursive: true, force: true }));
  clear();
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await mustRun([tsc, '-p', 'tsconfig.build.json', '--outDir', next], root, 'The TypeScript build');
    await mustRun([BUNDLE_ENVCONFIG, next], root, "Bundling Temporal's environment configuration");
    await mustRun([BUNDLE_WORKFLOWS, next], root, 'Bundling the workflows');
    if (existsSync(join(next, CLI))) chmodSync(join(next, CLI), 0o755);
    writeFileSync(join(next, BUILT_FROM), sources);
    if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), last);
    renameSync(next, join(root, 'dist'));
  } finally {
    clear();
  }
}

async function mustRun(args, cwd, what) {
  const { ok, output } = await run(process.execPath, args, { cwd });
  if (!ok) throw new Problem(`${what} failed:\n${output}`);
}

/** Hashes the contents of the sources. Their times are not reliable after a checkout or a restored cache. */
function fingerprint(root) {
  const settings = [
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/bundle-envconfig.mjs',
    'scripts/bundle-workflows.mjs',
  ];
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const path of [...settings.map((name) => join(root, name)), ...sources.sort()]) {
    hash
      .update(`${path.slice(root.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function readIfExists(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
