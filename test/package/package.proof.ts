import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const SET_UP_MS = 9 * 60_000;
/** Ours. */
const OLDEST_NODE = '20.20.0';

interface Manifest {
  name: string;
  version: string;
  engines?: { node?: string };
}

let app: string;

// As somebody else has it: from the tarball, without this package's lockfile and without what only `dev` needs.
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'latchkey-package-'));
  await exec('npm', ['pack', '--ignore-scripts', '--pack-destination', app], { cwd: ROOT });
  const [tarball = ''] = (await readdir(app)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  await inApp('npm', ['install', '--omit=optional', '--no-audit', '--no-fund', join(app, tarball)]);
}, SET_UP_MS);

afterAll(() => rm(app, { recursive: true, force: true }));

test('no installed package needs a newer Node than the oldest supported one', async () => {
  const installed = await manifests(join(app, 'node_modules'));
  const ranges = [...new Set(installed.map(({ engines }) => engines?.node ?? '*'))];
  const fits = await Promise.all(ranges.map(holdsOldestNode));

  const newer = installed.filter(({ engines }) => !fits[ranges.indexOf(engines?.node ?? '*')]);

  expect(installed.length).toBeGreaterThan(100);
  expect(newer.map(({ name, version, engines }) => `${name}@${version}: ${engines?.node}`)).toEqual([]);
});

test('the pages that README links to exist', async () => {
  const folder = join(app, 'node_modules', 'latchkey');
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const pages = [...readme.matchAll(/\]\((docs\/[a-z-]+\.md)/g)].map(([, page = '']) => page);

  expect(pages).toEqual(expect.arrayContaining(['docs/outcomes.md', 'docs/other-languages.md']));
  for (const page of pages) expect(await readFile(join(folder, page), 'utf8')).toMatch(/^# /);
});

test('the types of every export resolve, and none of ours needs another package of types', async () => {
  await writeFile(
    join(app, 'use.ts'),
    `import { createLatchkey, type Latchkey, type ToolsOfServer } from 'latchkey';
import { mcpStep, runMcpStep } from 'latchkey/workflow';
import { createLatchkeyPlugin } from 'latchkey/worker';
export const all = [createLatchkey, mcpStep, runMcpStep, createLatchkeyPlugin];
export const list = (latchkey: Latchkey): Promise<ToolsOfServer[]> => latchkey.listTools(['ledger']);
`,
  );
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', 'use.ts'];

  // What the SDKs' own declarations lack is not ours to mend.
  expect(await errorsOf([...options, '--skipLibCheck'])).toEqual([]);
  const ours = (await errorsOf(options)).filter((line) => !line.startsWith('node_modules/@temporalio/'));
  expect(ours).toEqual([]);
});

test.each(['latchkey', 'latchkey/workflow', 'latchkey/worker'])('%s can be imported', async (name) => {
  const { stdout } = await inApp('node', [
    '--input-type=module',
    '--eval',
    `console.log(Object.keys(await import('${name}')).length)`,
  ]);
  expect(Number(stdout)).toBeGreaterThan(0);
});

test('the command runs', async () => {
  const { stdout } = await inApp('npx', ['latchkey', 'worker', '--help']);
  expect(stdout).toContain('ENCRYPTION_KEYS');
});

// By the command of npm's own reader of ranges, which is in the tree.
function holdsOldestNode(range: string): Promise<boolean> {
  return inApp('node', ['node_modules/semver/bin/semver.js', '-r', range, OLDEST_NODE]).then(
    () => true,
    () => false,
  );
}

function inApp(command: string, args: string[]) {
  return exec(command, args, { cwd: app });
}

// TypeScript's own lines that begin an error, not those that explain it.
async function errorsOf(options: string[]): Promise<string[]> {
  const output = await inApp('node', [TSC, ...options]).then(
    () => '',
    (error: { stdout?: string; stderr?: string }) => `${error.stdout}\n${error.stderr}`,
  );
  return output.split('\n').filter((line) => /\S/.test(line) && !/^\s/.test(line));
}

async function manifests(folder: string): Promise<Manifest[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) =>
    /(^|node_modules\/)(@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(path),
  );
  const read = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8')) as Manifest;
  return (await Promise.all(paths.map(read))).filter(({ name, version }) => name && version);
}
