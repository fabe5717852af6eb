import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { breachesIn, breachesInBench, type SourceFile } from './support/dependency-rules.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

test('no file in src imports against the arrows or in a circle, reads the environment outside config, uses a timer that may be collected or keeps state that workflows would share', () => {
  const files = filesBelow(SRC, SRC);

  expect(files.length).toBeGreaterThan(0);
  expect(breachesIn(files)).toEqual([]);
});

test('no file in bench imports a test, or in a circle', () => {
  const files = filesBelow(join(ROOT, 'bench'), ROOT);

  expect(files.length).toBeGreaterThan(0);
  expect(breachesInBench(files)).toEqual([]);
  const importsTest = { path: 'bench/a.ts', source: "import { b } from '../test/support/b.ts';" };
  expect(breachesInBench([importsTest])).toEqual(['bench/a.ts may not import test/support/b.ts']);
});

describe('the rules', () => {
  const breachOf = (path: string, source: string) => breachesIn([{ path, source }]);

  test.each([
    ['net/a.ts', "import { b } from '../db/b.ts';"],
    ['net/a.ts', "import type { b } from '../db/b.ts';"],
    ['net/a.ts', "export { b } from '../db/b.ts';"],
    ['net/a.ts', "export * from '../db/b.ts';"],
    ['net/a.ts', "const b = await import('../db/b.ts');"],
    ['net/a.ts', "type B = import('../db/b.ts').B;"],
    ['net/a.ts', "import '../db/b.ts';"],
    ['servers/a.ts', "import { b } from '../credentials/b.ts';"],
    ['oauth/a.ts', "import { b } from '../credentials/b.ts';"],
    ['activities/a.ts', "import { b } from '../http/b.ts';"],
    ['http/a.ts', "import { b } from '../dev/embedded/b.ts';"],
    ['http/a.ts', "import { b } from '../dev/command.ts';"],
    ['worker.ts', "import { b } from './dev/command.ts';"],
    ['worker.ts', "import { b } from '../bench/b.ts';"],
    ['cli.ts', "import { b } from './dev/dev.ts';"],
    ['dev/embedded/a.ts', "import { b } from '../../db/b.ts';"],
    ['workflows/a.ts', "import { b } from '../schemas/b.ts';"],
    ['workflows/a.ts', "import { logger } from '../logging/logger.ts';"],
    ['workflows/a.ts', "import { Client } from '@temporalio/client';"],
    ['workflows/a.ts', "import { join } from 'node:path';"],
    ['agents/a.ts', "import { b } from '../schemas/b.ts';"],
    ['agents/a.ts', "import { tool } from 'ai';"],
    ['workflows/a.ts', "import { b } from '../agents/b.ts';"],
    ['openai-agents.ts', "import { b } from './http/b.ts';"],
    ['contracts/a.ts', "import { b } from '../schemas/b.ts';"],
    ['contracts/a.ts', "import pg from 'pg';"],
    ['schemas/a.ts', "import { b } from '../net/b.ts';"],
    ['vault/a.ts', "import { b } from './boot-check/b.ts';"],
    ['credentials/a.ts', "import { jwt } from '../config/jwt.ts';"],
    ['http/a.ts', "import { worker } from '../worker.ts';"],
    ['net/a.ts', "import { z } from 'zod';"],
    ['workflows/a.ts', "import { z } from 'zod/v4';"],
    ['workflow.ts', "import { b } from './worker.ts';"],
    ['nexus.ts', "import { b } from './workflows/b.ts';"],
    ['nexus/a.ts', "import { b } from '../http/b.ts';"],
    ['client.ts', "import { b } from './workflows/b.ts';"],
    ['strays/a.ts', "import { b } from '../contracts/b.ts';"],
    ['net/a.ts', 'const b = process.env.B;'],
    ['net/a.ts', 'const signal = AbortSignal.timeout(1);'],
    ['net/a.ts', "const signal = AbortSignal['any']([a, b]);"],
    ['net/a.ts', "const b = process['env'];"],
    ['net/a.ts', 'const { env } = process;'],
    ['net/a.ts', "import { env } from 'node:process';"],
    ['workflows/a.ts', 'let last = 0;'],
    ['workflows/a.ts', 'export let last = 0;'],
    ['contracts/a.ts', 'const seen = new Map<string, number>();'],
    ['contracts/a.ts', 'export const seen: WeakSet<object> = new WeakSet();'],
  ])('catch, in %s: %s', (path, source) => {
    expect(breachOf(path, source)).toHaveLength(1);
  });

  test.each([
    ['worker.ts', "import { b } from './db/b.ts'; import { c } from './config/c.ts';"],
    ['workflow.ts', "import { b } from './workflows/b.ts'; import { c } from './contracts/c.ts';"],
    ['dev/demo/main.ts', "import { a } from '../embedded/a.ts'; import { b } from '../../worker.ts';"],
    ['cli.ts', "import { b } from './dev/command.ts';"],
    ['vault/boot-check/a.ts', "import { b } from '../b.ts'; import { c } from '../../config/c.ts';"],
    ['http/routes/a.ts', "import { b } from '../../credentials/b.ts'; import { z } from 'zod';"],
    ['credentials/a.ts', "import { b } from '../servers/b.ts'; import { log } from '../logging/log.ts';"],
    ['oauth/a.ts', "import { b } from '../net/b.ts'; import { c } from '../schemas/c.ts';"],
    ['workflows/a.ts', "import { sleep } from '@temporalio/workflow'; import { b } from './b.ts';"],
    ['contracts/a.ts', "import { sha256 } from '@noble/hashes/sha2.js';"],
    ['config/a.ts', "import { z } from 'zod'; const b = process.env.B;"],
    ['net/a.ts', 'const env = { process: 1 }; const running = process.uptime();'],
    ['net/a.ts', 'let last = 0;'],
    ['workflows/a.ts', 'const NAMES: ReadonlySet<string> = new Set(); function f() { let a = 1; }'],
  ])('allow, in %s: %s', (path, source) => {
    expect(breachOf(path, source)).toEqual([]);
  });

  test('catch a circle, of types too', () => {
    const circle = [
      { path: 'net/a.ts', source: "import { b } from './b.ts';" },
      { path: 'net/b.ts', source: "import { c } from './c.ts'; import { d } from './d.ts';" },
      { path: 'net/c.ts', source: "import type { A } from './a.ts';" },
      { path: 'net/d.ts', source: 'export const d = 1;' },
    ];
    expect(breachesIn(circle)).toEqual(['net/a.ts, net/b.ts, net/c.ts import each other in a circle']);
    expect(breachesIn(circle.filter(({ path }) => path !== 'net/c.ts'))).toEqual([]);
  });

  test('refuse what they cannot read', () => {
    expect(() => breachOf('http/a.ts', 'const b = await import(name);')).toThrow(/computed/);
  });
});

function filesBelow(folder: string, root: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(root, path).replaceAll('\\', '/'),
      source: readFileSync(path, 'utf8'),
    }));
}
