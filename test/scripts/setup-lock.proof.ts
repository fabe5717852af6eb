import { appendFile, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runTypescript, type TypescriptProcess } from '../support/child-process.ts';

let folder: string;
let lock: string;
let log: string;
let processes: TypescriptProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-lock-'));
  lock = join(folder, 'setup.lock');
  log = join(folder, 'log');
  await appendFile(log, '');
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map(({ kill }) => kill()));
  await rm(folder, { recursive: true, force: true });
});

/** Holds the lock for `holdMs`, or for good. */
function holder(holdMs?: number): TypescriptProcess {
  const source = `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    import { withLock } from './scripts/setup/lock.mjs';
    const { lock, log, holdMs } = JSON.parse(process.env.DATA);
    await withLock(lock, async () => {
      appendFileSync(log, '<');
      console.log('holding');
      await delay(holdMs ?? 2 ** 30);
      appendFileSync(log, '>');
    });
    console.log('released');`;
  const started = runTypescript(source, { lock, log, holdMs });
  processes.push(started);
  return started;
}

async function untilReleased({ nextLine }: TypescriptProcess): Promise<void> {
  while ((await nextLine()) !== 'released');
}

test('several set-ups at once work one at a time', async () => {
  await Promise.all([50, 50, 50, 50].map((holdMs) => untilReleased(holder(holdMs))));

  expect(await readFile(log, 'utf8')).toBe('<><><><>');
});

test('the lock of a killed setup is taken over by exactly one of those that wait', async () => {
  const killed = holder();
  await killed.nextLine();
  const waiting = [50, 50, 50].map((holdMs) => untilReleased(holder(holdMs)));

  await killed.kill('SIGKILL');

  await Promise.all(waiting);
  expect(await readFile(log, 'utf8')).toBe('<<><><>');
});

test('a lock without a sign of life is taken over, although its process id is in use again', async () => {
  await writeFile(lock, `${process.pid} 8a1ba2c9`);
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(lock, longAgo, longAgo);

  await untilReleased(holder(0));

  expect(await readFile(log, 'utf8')).toBe('<>');
});
