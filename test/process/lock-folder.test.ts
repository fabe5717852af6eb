import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isFolderLocked, lockFolder } from '../../src/process/lock-folder.ts';
import { runTypescript } from '../support/child-process.ts';

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-lock-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('a folder is taken until it is released', async () => {
  const folder = await newFolder();
  const first = await lockFolder(folder);

  expect(await lockFolder(folder)).toEqual({ kind: 'taken' });
  if (first.kind === 'locked') await first.release();

  const second = await lockFolder(folder);
  expect(second.kind).toBe('locked');
  if (second.kind === 'locked') await second.release();
});

test('a folder is free again once the process that took it was killed', async () => {
  const folder = await newFolder();
  const other = runTypescript(
    `import { lockFolder } from './src/process/lock-folder.ts';
     console.log((await lockFolder(process.env.DATA.slice(1, -1))).kind);
     setInterval(() => {}, 60_000);`,
    folder,
  );
  onTestFinished(() => other.kill());
  expect(await other.nextLine()).toBe('locked');
  expect(await lockFolder(folder)).toEqual({ kind: 'taken' });

  await other.kill('SIGKILL');

  const lock = await lockFolder(folder);
  expect(lock.kind).toBe('locked');
  if (lock.kind === 'locked') await lock.release();
});

test('a link to the socket of another folder is no lock', async () => {
  const [locked, folder] = [await newFolder(), await newFolder()];
  const lock = await lockFolder(locked);
  await symlink(join(locked, 'lock.sock'), join(folder, 'lock.sock'));

  expect(await isFolderLocked(locked)).toBe(true);
  expect(await isFolderLocked(folder)).toBe(false);

  if (lock.kind === 'locked') await lock.release();
});
