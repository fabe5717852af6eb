import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { factsOf } from '../support/module-imports.ts';
import { packLatchkey } from '../support/pack-latchkey.ts';

const exec = promisify(execFile);

let folder: string;
let tarball: string;
let unpacked: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-tarball-'));
  tarball = join(folder, await packLatchkey(folder));
  await exec('tar', ['-xzf', tarball, '-C', folder]);
  unpacked = join(folder, 'package');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('publint finds nothing to say', async () => {
  const { buffer } = await readFile(tarball);

  const { messages } = await publint({ pack: { tarball: buffer }, level: 'suggestion' });

  expect(messages).toEqual([]);
});

test('every export has types that an ES module resolves', async () => {
  await expect(exec('npx', ['attw', tarball, '--profile', 'esm-only'])).resolves.toBeDefined();
});

test('every module that another one imports is there', async () => {
  const modules = (await files()).filter((path) => /^dist\/(?!workflow-bundle).*\.m?js$/.test(path));

  const missing = await Promise.all(modules.map(missingImports));

  expect(modules.length).toBeGreaterThan(100);
  expect(missing.flat()).toEqual([]);
});

test('the demo, the servers that only tests run, tests and source maps are left out', async () => {
  const paths = await files();

  expect(
    paths.filter((path) =>
      /\.map$|^dist\/dev\/demo|^dist\/.*(authorization-server-store|mcp-server)\.|^(src|test)\//.test(path),
    ),
  ).toEqual([]);
  expect(paths).toEqual(expect.arrayContaining(['CHANGELOG.md', 'SECURITY.md', 'docs/configuration.md']));
});

async function files(): Promise<string[]> {
  const entries = await readdir(unpacked, { recursive: true });
  return entries.map((path) => path.replaceAll('\\', '/'));
}

async function missingImports(path: string): Promise<string[]> {
  const file = join(unpacked, path);
  const { imports } = factsOf(path, await readFile(file, 'utf8'));
  const relative = imports.filter((name) => name.startsWith('.'));
  return relative
    .filter((name) => !existsSync(resolve(dirname(file), name)))
    .map((name) => `${path}: ${name}`);
}
