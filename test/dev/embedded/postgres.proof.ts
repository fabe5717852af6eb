import { existsSync } from 'node:fs';
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type EmbeddedPostgres,
  type PostgresOptions,
  startPostgres,
} from '../../../src/dev/embedded/postgres.ts';
import { isRunning, runTypescript } from '../../support/child-process.ts';

describe('the embedded Postgres', () => {
  let folder: string;
  let dataDir: string;
  let open: EmbeddedPostgres[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-postgres-'));
    await chmod(folder, 0o755);
    dataDir = join(folder, 'data');
    open = [];
  });

  afterEach(async () => {
    await Promise.all(open.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  async function started(options: Partial<PostgresOptions> = {}): Promise<EmbeddedPostgres> {
    const server = await startPostgres({ dataDir, ...options });
    open.push(server);
    return server;
  }

  test('takes queries as soon as it resolves', async () => {
    const { url } = await started({ persistent: false });

    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('keeps its data across a restart', async () => {
    const first = await started();
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    await first.stop();

    const second = await started();

    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  test('ends when it is stopped and removes its folder unless it is persistent', async () => {
    const server = await started({ persistent: false });

    await Promise.all([server.stop(), server.stop()]);

    expect(isRunning(server.pid)).toBe(false);
    await expect(access(dataDir)).rejects.toThrow(/ENOENT/);
  });

  test('ends its clients’ sessions instead of waiting for them', async () => {
    const server = await started({ persistent: false });
    const client = new pg.Client({ connectionString: server.url });
    const lost = new Promise((resolve) => client.on('error', resolve));
    await client.connect();

    await server.stop();

    await lost;
    expect(isRunning(server.pid)).toBe(false);
  });

  test('starts again after it was killed', async () => {
    const killed = await started();
    await query(killed.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    process.kill(killed.pid, 'SIGKILL');
    await killed.stop();

    const { url } = await started();

    expect(await query(url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  test('starts although postmaster.pid names an unrelated process', async () => {
    await (await started()).stop();
    const stale = join(dataDir, 'cluster', 'postmaster.pid');
    await writeFile(stale, `${process.pid}\n${join(dataDir, 'cluster')}\n0\n5432\n`);

    const { pid } = await started();

    expect((await readFile(stale, 'utf8')).split('\n')[0]).toBe(String(pid));
  });

  test('starts at once after the process that had started it was killed', async () => {
    const owner = runTypescript(
      `import { startPostgres } from './src/dev/embedded/postgres.ts';
       const { pid } = await startPostgres({ dataDir: JSON.parse(process.env.DATA) });
       console.log(pid);`,
      dataDir,
    );
    const orphan = Number(await owner.nextLine());
    await owner.kill('SIGKILL');

    const { url } = await started();

    expect(isRunning(orphan)).toBe(false);
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('leaves nothing behind when the process that had started it was killed, unless persistent', async () => {
    const owner = runTypescript(
      `import { startPostgres } from './src/dev/embedded/postgres.ts';
       const { pid } = await startPostgres({ dataDir: JSON.parse(process.env.DATA), persistent: false });
       console.log(pid);`,
      dataDir,
    );
    const orphan = Number(await owner.nextLine());

    await owner.kill('SIGKILL');

    await vi.waitFor(() => expect(existsSync(dataDir)).toBe(false), 30_000);
    expect(isRunning(orphan)).toBe(false);
  });

  test.runIf(process.getuid?.() === 0)('names the folder that its user cannot enter', async () => {
    await chmod(folder, 0o700);

    await expect(startPostgres({ dataDir })).rejects.toThrow(`may not enter ${folder}`);
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
