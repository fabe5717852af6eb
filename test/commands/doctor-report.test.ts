import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import picocolors from 'picocolors';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkLine, summaryOf } from '../../src/commands/doctor-report.ts';
import { readDevEnvironment } from '../../src/commands/running-dev.ts';
import { withDevEnvironment } from '../../src/config/dev-environment.ts';
import type { Check } from '../../src/operations/doctor-check.ts';
import { lockFolder } from '../../src/process/lock-folder.ts';

const PLAIN = picocolors.createColors(false);
const OK: Check = { check: 'postgres', status: 'ok', message: 'answers' };
const FAILED: Check = {
  check: 'mcp-server',
  subject: 'a\u001bb',
  status: 'failed',
  message: 'down:\ncheck it',
};
const WARNING: Check = { check: 'mcp-server', subject: 'c', status: 'warning', message: 'guessed' };

describe('a check', () => {
  test('is a line with a mark for a person, without what a terminal would obey', () => {
    expect(checkLine(OK, true, PLAIN)).toBe(`✓ ${'Postgres'.padEnd(28)}  answers`);
    expect(checkLine(FAILED, true, PLAIN)).toBe(`✗ ${'MCP server a b'.padEnd(28)}  down: check it`);
  });

  test('is tab-separated in a pipe', () => {
    expect(checkLine(OK, false, PLAIN)).toBe('ok\tpostgres\t\tanswers');
  });

  test('counts in the summary if it found something', () => {
    expect(summaryOf([OK])).toBe('Everything is in order.');
    expect(summaryOf([OK, FAILED, WARNING])).toBe('1 failed, 1 warning.');
  });
});

describe('the environment of a running latchkey dev', () => {
  const DEV = { DATABASE_URL: 'postgres://dev', JWT_SECRET: 'of dev' };

  test('completes the own one', () => {
    const own = { DATABASE_URL: '', LOG_LEVEL: 'info' };
    expect(withDevEnvironment(DEV, own)).toEqual({ ...DEV, LOG_LEVEL: 'info' });
    expect(withDevEnvironment(undefined, own)).toEqual(own);
  });

  test('is never mixed into that of other services', () => {
    const other = { DATABASE_URL: 'postgres://production' };
    expect(withDevEnvironment(DEV, other)).toEqual(other);
  });

  test('is read while dev has its folder locked, and not what a killed one left behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-dev-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'environment.json'), JSON.stringify(DEV));
    expect(await readDevEnvironment(folder)).toBeUndefined();

    const lock = await lockFolder(folder);
    expect(await readDevEnvironment(folder)).toEqual(DEV);
    if (lock.kind === 'locked') await lock.release();
  });
});
