import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataFolderFailure, makeFolder } from '../../src/dev/data-folder.ts';
import { devSecrets } from '../../src/dev/dev-secrets.ts';
import { CannotRun } from '../../src/process/cannot-run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => dataFolderFailure(error, '/data'),
  );

test('a data folder is created with its parents and may exist already', async () => {
  const deep = join(folder, 'a', 'b', 'c');
  await makeFolder(deep);
  await makeFolder(deep);
  expect((await stat(deep)).isDirectory()).toBe(true);
});

test.each([
  ['under a file', '/etc/hostname/x', /\(ENOTDIR\)/],
  ['that is a file', '/etc/hostname', /\(ENOTDIR\)/],
  ['where the file system makes none', '/proc/nope', /\(E[A-Z]+\)/],
  ['deep where the file system makes none', '/proc/nope/deeper', /\(E[A-Z]+\)/],
])('a data folder %s is refused at once', async (_where, path, code) => {
  const failure = await failureOf(makeFolder(path));
  expect(failure).toBeInstanceOf(CannotRun);
  expect((failure as CannotRun).message).toMatch(
    /^the data folder \/data can't be written .*LATCHKEY_DATA_DIR/,
  );
  expect((failure as CannotRun).message).toMatch(code);
});

describe('secrets.json', () => {
  test.each([
    ['is empty', ''],
    ['is cut', '{"encryptionKey":"AAAA'],
    ['lacks a secret', '{}'],
    [
      'holds a key that is too short',
      '{"encryptionKey":"AAAA","jwtSecret":"0123456789012345678901234567890123"}',
    ],
  ])('that %s is reported without its text', async (_how, text) => {
    await writeFile(join(folder, 'secrets.json'), text);
    const failure = await failureOf(devSecrets(folder));
    expect(failure).toBeInstanceOf(CannotRun);
    expect((failure as CannotRun).message).toMatch(/secrets\.json is damaged: .*LATCHKEY_DATA_DIR/);
    expect((failure as CannotRun).message).not.toContain('AAAA');
  });
});
