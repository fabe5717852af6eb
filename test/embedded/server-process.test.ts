import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startServerProcess } from '../../src/embedded/server-process.ts';
import { isRunning } from '../support/child-process.ts';

const node = (script: string) => ({ name: 'It', command: process.execPath, args: ['--eval', script] });
const IGNORES_SIGTERM = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);";

test('a server that ignores the signal is killed after the grace time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-process-'));
  const logFile = join(folder, 'log');
  const server = await startServerProcess({ ...node(IGNORES_SIGTERM), logFile, graceMs: 100 });
  await server.untilReady(async () => expect(await readFile(logFile, 'utf8')).toContain('up'), 10_000);

  await server.stop();

  expect(isRunning(server.pid)).toBe(false);
  await rm(folder, { recursive: true });
});

test('a server that ends before it is ready fails the start with its last words', async () => {
  const server = await startServerProcess(node("console.error('no such file'); process.exit(3)"));

  const ready = server.untilReady(() => Promise.reject(new Error('refused')), 10_000);

  await expect(ready).rejects.toThrow(/It ended before it was ready:\nno such file/);
});

test('a server that never gets ready fails the start when the time is over', async () => {
  const server = await startServerProcess(node('setInterval(() => {}, 1000)'));

  const ready = server.untilReady(() => Promise.reject(new Error('refused')), 50);

  await expect(ready).rejects.toThrow(/not ready after 50 ms/);
  await server.stop();
});

test('a command that does not exist fails the start', async () => {
  await expect(startServerProcess({ name: 'It', command: '/nowhere/it', args: [] })).rejects.toThrow(
    /ENOENT/,
  );
});

test('a server does not see Ctrl-C of the terminal', async () => {
  const server = await startServerProcess(node('setInterval(() => {}, 1000)'));

  // The terminal signals the process group of its foreground; the server leads a group of its own.
  await vi.waitFor(() => expect(() => process.kill(-server.pid, 0)).not.toThrow());

  await server.stop();
});
