import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { type Application, createApplication, secondCopies } from './application.ts';
import { runStepInCommand, runStepsInApplication } from './steps-in-application.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const SET_UP_MS = 9 * 60_000;
/** Ours. */
const OLDEST_NODE = '20.20.0';

/** The names of the package's modules, such as `latchkey/workflow`. */
const EXPORTS = exportedModules();
/** Optional peers of which our types have some. Two of the exports are for the users of one of them each. */
const FRAMEWORKS = ['@openai/agents-core', 'ai'];

const test = testInWorld({ withoutWorker: true, payloadKeys: 'none' });
let app: Application;

// With nothing else installed, so in the newest version of Temporal's packages.
test.beforeAll(async () => {
  app = await createApplication();
}, SET_UP_MS);

test.afterAll(() => app.remove());

test('no installed package needs a newer Node than the oldest supported one', async () => {
  const installed = await app.manifests();
  const ranges = [...new Set(installed.map(({ engines }) => engines?.node ?? '*'))];
  const fits = await Promise.all(ranges.map(holdsOldestNode));

  const newer = installed.filter(({ engines }) => !fits[ranges.indexOf(engines?.node ?? '*')]);

  expect(installed.length).toBeGreaterThan(100);
  expect(newer.map(({ name, version, engines }) => `${name}@${version}: ${engines?.node}`)).toEqual([]);
});

test('the pages that README links to exist', async () => {
  const folder = join(app.folder, 'node_modules', 'latchkey');
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const pages = [...readme.matchAll(/\]\((docs\/[a-z-]+\.md)/g)].map(([, page = '']) => page);

  expect(pages).toEqual(expect.arrayContaining(['docs/outcomes.md', 'docs/other-languages.md']));
  for (const page of pages) expect(await readFile(join(folder, page), 'utf8')).toMatch(/^# /);
});

test('the types of every export resolve, and none of ours needs another package of types', async () => {
  await linkFrameworks();
  const modules = EXPORTS.map((name, index) => `export * as module${index} from '${name}';\n`).join('');
  await writeFile(
    join(app.folder, 'use.ts'),
    `import { createLatchkey, type Latchkey, type ToolsOfServer } from 'latchkey';
import { mcpStep, runMcpStep } from 'latchkey/workflow';
import { createLatchkeyPlugin } from 'latchkey/worker';
export const all = [createLatchkey, mcpStep, runMcpStep, createLatchkeyPlugin];
export const list = (latchkey: Latchkey): Promise<ToolsOfServer[]> => latchkey.listTools(['ledger']);
${modules}`,
  );
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', 'use.ts'];

  // What the SDKs' own declarations lack is not ours to mend.
  expect(await errorsOf([...options, '--skipLibCheck'])).toEqual([]);
  const ours = (await errorsOf(options)).filter((line) => !/^(node_modules\/@temporalio|\.\.)\//.test(line));
  expect(ours).toEqual([]);
});

test('the package has six modules', () => {
  expect(EXPORTS).toHaveLength(6);
});

test.each(EXPORTS)('%s can be imported', async (name) => {
  const list = `console.log(Object.keys(await import('${name}')).length)`;
  const { stdout } = await app.run('node', '--input-type=module', '--eval', list);
  expect(Number(stdout)).toBeGreaterThan(0);
});

test('the command runs', async () => {
  const { stdout } = await app.run('npx', 'latchkey', 'worker', '--help');
  expect(stdout).toContain('ENCRYPTION_KEYS');
});

test('the application holds one copy of every Temporal package', async () => {
  const installed = await app.manifests();

  expect(installed.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['@temporalio/worker', '@temporalio/workflow', 'nexus-rpc']),
  );
  expect(secondCopies(installed)).toEqual([]);
  // With several of the newest, the SDK can't read histories in JSON.
  const protobufjs = installed.filter(
    ({ name, version }) => name === 'protobufjs' && !version.startsWith('7.'),
  );
  expect(protobufjs).toHaveLength(1);
});

test('`latchkey worker` runs steps with nothing else installed', ({ world }) => runStepInCommand(world, app));

test('its own Worker runs steps and cancels one with its scope', ({ world }) =>
  runStepsInApplication(world, app));

function exportedModules(): string[] {
  // The cast trusts our own manifest.
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object };
  const modules = Object.keys(exports).filter((path) => path !== './package.json');
  return modules.map((path) => `latchkey${path.slice(1)}`);
}

// Links to this project's copies until the test's end, so that the application itself stays without them.
async function linkFrameworks(): Promise<void> {
  for (const name of FRAMEWORKS) {
    const link = join(app.folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
    onTestFinished(() => rm(link));
  }
}

// By the command of npm's own reader of ranges, which is in the tree.
function holdsOldestNode(range: string): Promise<boolean> {
  return app.run('node', 'node_modules/semver/bin/semver.js', '-r', range, OLDEST_NODE).then(
    () => true,
    () => false,
  );
}

// TypeScript's own lines that begin an error, not those that explain it.
async function errorsOf(options: string[]): Promise<string[]> {
  const output = await app.run('node', TSC, ...options).then(
    () => '',
    (error: { stdout?: string; stderr?: string }) => `${error.stdout}\n${error.stderr}`,
  );
  return output.split('\n').filter((line) => /\S/.test(line) && !/^\s/.test(line));
}
