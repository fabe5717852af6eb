import { mkdtemp, open as openFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { findTemporalCli } from '../../../src/dev/embedded/server-binaries.ts';
import { startServerProcess } from '../../../src/dev/embedded/server-process.ts';
import {
  type EmbeddedTemporal,
  startTemporal,
  type TemporalOptions,
} from '../../../src/dev/embedded/temporal.ts';
import { isRunning, runTypescript } from '../../support/child-process.ts';

// Each of a task queue's partitions is fair by itself, and a poll asks any of them.
const ONE_PARTITION = {
  dynamicConfig: { 'matching.numTaskqueueReadPartitions': 1, 'matching.numTaskqueueWritePartitions': 1 },
};
const SEARCH_ATTRIBUTES = ['McpStepStatus', 'McpServerId', 'McpUserId'];
const STATUS = defineSearchAttributeKey('McpStepStatus', 'KEYWORD');

describe('the embedded Temporal server', () => {
  let folder: string;
  let open: { stop(): Promise<void> }[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-temporal-'));
    open = [];
  });

  afterEach(async () => {
    await Promise.all(open.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  async function started(options: Partial<TemporalOptions> = {}): Promise<EmbeddedTemporal> {
    const server = await startTemporal({ binary: cli(), ...options });
    open.push(server);
    return server;
  }

  async function writeProgram(...lines: string[]): Promise<string> {
    const path = join(folder, 'program');
    await writeFile(path, ['#!/bin/sh', ...lines].join('\n'), { mode: 0o700 });
    return path;
  }

  async function clientOf(server: Pick<EmbeddedTemporal, 'address' | 'namespace'>): Promise<Client> {
    const connection = await Connection.connect({ address: server.address });
    open.push({ stop: () => connection.close() });
    return new Client({ connection, namespace: server.namespace });
  }

  test('takes a step with its search attributes as soon as it resolves', async () => {
    const client = await clientOf(await started());
    const typedSearchAttributes = new TypedSearchAttributes([{ key: STATUS, value: 'running' }]);

    await client.workflow.start('mcpStep', {
      taskQueue: 'nobody',
      workflowId: 'a',
      typedSearchAttributes,
    });

    await vi.waitFor(
      async () => {
        expect((await client.workflow.count(`McpStepStatus = 'running'`)).count).toBe(1);
      },
      { timeout: 20_000 },
    );
  });

  test('registers further search attributes', async () => {
    const client = await clientOf(await started({ searchAttributes: ['OfATest'] }));

    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });

    expect(Object.keys(customAttributes ?? {})).toContain('OfATest');
  });

  test('keeps executions in its data file across a restart', async () => {
    const dataFile = join(folder, 'temporal.db');
    const first = await started({ dataFile });
    await (await clientOf(first)).workflow.start('mcpStep', { taskQueue: 'nobody', workflowId: 'kept' });
    for (const end of ['', '-wal', '-shm']) expect((await stat(dataFile + end)).mode & 0o077).toBe(0);
    await first.stop();

    const client = await clientOf(await started({ dataFile }));

    expect((await client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  });

  test('writes ahead in a data file that was created with a rollback journal', async () => {
    const dataFile = join(folder, 'older.db');
    const port = await freePort();
    const older = await startServerProcess({
      name: 'An older Temporal dev server',
      command: cli(),
      args: [
        ...['server', 'start-dev', '--headless', '--port', String(port), '--db-filename', dataFile],
        ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ],
    });
    open.push(older);
    await older.untilReady(() => clientOf({ address: `127.0.0.1:${port}`, namespace: 'default' }), 20_000);
    await older.stop();
    expect(await journalOf(dataFile)).toBe(ROLLBACK_JOURNAL);

    await started({ dataFile });

    expect(await journalOf(dataFile)).toBe(WRITE_AHEAD_LOG);
  });

  test('starts again if another process took one of its ports', async () => {
    const starts = join(folder, 'starts');
    const binary = await writeProgram(
      `printf x >> ${starts}`,
      // At its first start, the server's endpoint of metrics takes the port of its gRPC endpoint.
      `[ "$(cat ${starts})" = x ] && set -- "$@" --metrics-port "$(echo "$@" | sed 's/.*--port \\([0-9]*\\).*/\\1/')"`,
      `exec ${cli()} "$@"`,
    );

    const server = await started({ binary });

    expect(await readFile(starts, 'utf8')).toBe('xx');
    await clientOf(server);
  });

  test('does not start again if it ends for another reason, and says which', async () => {
    const starts = join(folder, 'starts');
    const binary = await writeProgram(`printf x >> ${starts}`, `exec ${cli()} server no-such-command`);

    await expect(started({ binary })).rejects.toThrow(/ended before it was ready:[\s\S]*unknown command/);

    expect(await readFile(starts, 'utf8')).toBe('x');
  });

  test('is gone once it is stopped, and stopping again is harmless', async () => {
    const server = await started();

    await Promise.all([server.stop(), server.stop()]);

    expect(isRunning(server.pid)).toBe(false);
  });

  test('ends when the process that started it is killed', async () => {
    const owner = runTypescript(
      `import { startTemporal } from './src/dev/embedded/temporal.ts';
       const { pid } = await startTemporal({ binary: JSON.parse(process.env.DATA) });
       console.log(pid);`,
      cli(),
    );
    const pid = Number(await owner.nextLine());
    expect(isRunning(pid)).toBe(true);

    await owner.kill('SIGKILL');

    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 30_000);
  });

  test('fails when another server listens on its port', async () => {
    const { address } = await started();
    const port = Number(address.split(':')[1]);

    await expect(startTemporal({ binary: cli(), port })).rejects.toThrow(`Port ${port}`);
  });

  test('says what the server said when it does not come up', async () => {
    const dataFile = join(folder, 'missing', 'temporal.db');

    await expect(startTemporal({ binary: cli(), dataFile })).rejects.toThrow(
      /ended before it was ready:\n.*database/s,
    );
  });

  test('hands out one user’s single task before another user’s backlog', async () => {
    expect(await placeOfQuietUser(await clientOf(await started(ONE_PARTITION)))).toBeLessThan(10);
  });

  test('hands it out after the backlog with fairness off (negative control)', async () => {
    const dynamicConfig = { ...ONE_PARTITION.dynamicConfig, 'matching.enableFairness': false };

    expect(await placeOfQuietUser(await clientOf(await started({ dynamicConfig })))).toBeGreaterThan(25);
  });
});

function cli(): string {
  const found = findTemporalCli(process.env);
  if (found.kind !== 'found') throw new Error('no Temporal CLI: run `node scripts/setup.mjs --for test`');
  return found.path;
}

const ROLLBACK_JOURNAL = 1;
const WRITE_AHEAD_LOG = 2;

/** The byte of an SQLite file that says how it is written: https://www.sqlite.org/fileformat.html#file_format_version_numbers */
async function journalOf(dataFile: string): Promise<number | undefined> {
  const file = await openFile(dataFile);
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: 18 }).finally(() => file.close());
  return buffer[0];
}

/** After how many of a busy user's 40 tasks a quiet user's one is handed out. */
async function placeOfQuietUser(client: Client): Promise<number> {
  for (let n = 0; n < 40; n++) await startFor(client, 'busy', `busy-${n}`);
  await startFor(client, 'quiet', 'quiet');
  const order: unknown[] = [];
  while (!order.includes('quiet')) order.push(await pollWorkflowId(client));
  return order.length - 1;
}

async function startFor(client: Client, user: string, workflowId: string): Promise<void> {
  await client.workflow.start('any', {
    taskQueue: 'fair',
    workflowId,
    priority: { priorityKey: 3, fairnessKey: user },
  });
}

async function pollWorkflowId(client: Client): Promise<string | null | undefined> {
  const request = { namespace: 'default', taskQueue: { name: 'fair' }, identity: 'test' };
  const task = await client.withDeadline(Date.now() + 10_000, () =>
    client.connection.workflowService.pollWorkflowTaskQueue(request),
  );
  return task.workflowExecution?.workflowId;
}
