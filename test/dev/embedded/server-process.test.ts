import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { closeDatabaseFile, makePrivateFolder } from '../../../src/dev/embedded/private-files.ts';
import { startServerProcess } from '../../../src/dev/embedded/server-process.ts';
import { isRunning } from '../../support/child-process.ts';

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

test('a server inherits no environment variable and its files are readable by its user only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-process-'));
  vi.stubEnv('ENCRYPTION_KEYS', 'k1:secret');
  vi.stubEnv('JWT_SECRET', 'secret');
  const written = join(folder, 'written');
  const script = `require('fs').writeFileSync(${JSON.stringify(written)}, JSON.stringify(process.env)); console.log('up');`;
  const server = await startServerProcess(node(`${script} setInterval(() => {}, 1000)`));
  await server.untilReady(async () => JSON.parse(await readFile(written, 'utf8')), 10_000);
  await server.stop();

  expect(Object.keys(JSON.parse(await readFile(written, 'utf8'))).sort()).toEqual([
    'HOME',
    'LANG',
    'PATH',
    'TMPDIR',
  ]);
  expect((await stat(written)).mode & 0o077).toBe(0);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test('an existing data folder and database become readable by their user only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-process-'));
  await chmod(folder, 0o755);
  const file = join(folder, 'temporal.db');
  for (const end of ['', '-wal']) await writeFile(`${file}${end}`, '', { mode: 0o644 });

  await makePrivateFolder(folder);
  await closeDatabaseFile(file);

  // As root it can be passed through: Postgres runs as another user.
  expect((await stat(folder)).mode & 0o066).toBe(0);
  for (const end of ['', '-wal']) expect((await stat(`${file}${end}`)).mode & 0o777).toBe(0o600);
  await rm(folder, { recursive: true });
});

test('a server that ends before it is ready fails the start with its last words', async () => {
  const server = await startServerProcess(node("console.error('no such file'); process.exit(3)"));

  const ready = server.untilReady(() => Promise.reject(new Error('refused')), 10_000);

  await expect(ready).rejects.toThrow(/It ended before it was ready:\nno such file/);
});

test('a server that writes much before it ends fails the start with its first and its last words', async () => {
  const script =
    "console.error('reason'); console.error('at line\\n'.repeat(5000)); console.error('end'); process.exit(3)";
  const server = await startServerProcess(node(script));

  const ready = server.untilReady(() => Promise.reject(new Error('refused')), 10_000);

  await expect(ready).rejects.toThrow(
    /It ended before it was ready:\nreason\nat line[\s\S]*\n…\n[\s\S]*at line\n+end$/,
  );
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
  await vi.waitFor(() => expect(() => process.kill(-server.pid, 0)).not.toThrow(), { timeout: 20_000 });

  await server.stop();
});
