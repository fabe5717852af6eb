import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServerResumption } from '../../src/contracts/background-activities.ts';
import { createCredentialWorkflows } from '../../src/credentials/credential-workflows.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { serverRegistrationSchema } from '../../src/schemas/server.ts';
import { createServerStore, type ServerStore } from '../../src/servers/server-store.ts';
import {
  endServerResumption,
  isServerPaused,
  listPendingServerResumptions,
} from '../../src/servers/server-switch.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault, type Vault } from '../../src/vault/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: Pool;
let vault: Vault;
let servers: ServerStore;
const started: ServerResumption[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, size: 5, onIdleError: () => {} });
  vault = createVault(createKeyRing([{ id: 'k1', bytes: randomBytes(32) }]));
  servers = createServerStore(pool, vault, async (resumption) => void started.push(resumption));
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('DELETE FROM mcp_server');
  await pool.query('DELETE FROM mcp_server_resumption');
  started.length = 0;
});

const put = (id: string, more: object = {}) =>
  servers.put(
    id,
    serverRegistrationSchema.parse({
      url: 'https://mcp.example/',
      auth: { type: 'bearer', token: 't' },
      ...more,
    }),
  );
const pending = () => listPendingServerResumptions(pool, 10);

describe('the switch', () => {
  test('keeps everything else of the registration, its secrets and its revisions', async () => {
    const { server } = await put('notes', { title: 'Notes' });

    expect(await servers.setPaused('notes', true)).toBe(true);

    const paused = await servers.find('notes');
    expect(paused).toEqual({ ...server, paused: true, updatedAt: expect.any(Date) });
    expect(await isServerPaused(pool, 'notes')).toBe(true);
    await servers.setPaused('notes', false);
    expect(await servers.find('notes')).toEqual({ ...server, updatedAt: expect.any(Date) });
  });

  test('keeps the revision also when the registration changes it', async () => {
    const { server } = await put('notes');
    expect((await put('notes', { paused: true })).server.revision).toBe(server.revision);
    expect((await put('notes', { paused: false })).server.revision).toBe(server.revision);
  });

  test('says that an unknown server is unknown', async () => {
    expect(await servers.setPaused('unknown', true)).toBe(false);
    expect(await servers.setPaused('unknown', false)).toBe(false);
    expect(await isServerPaused(pool, 'unknown')).toBe(false);
  });
});

describe('a resumption', () => {
  test('is pending until it has ended', async () => {
    await put('notes', { paused: true });
    await servers.setPaused('notes', false);

    expect(await pending()).toEqual(started);

    for (const resumption of started) await endServerResumption(pool, resumption);
    expect(await pending()).toEqual([]);
  });

  test('is made once however many resume the server at the same time', async () => {
    await put('notes', { paused: true });

    await Promise.all(Array.from({ length: 5 }, () => servers.setPaused('notes', false)));

    expect(started).toHaveLength(1);
  });

  test('is not pending any more when the server is paused again', async () => {
    await put('notes', { paused: true });
    await servers.setPaused('notes', false);
    await servers.setPaused('notes', true);

    expect(await pending()).toEqual([]);
  });

  test('that ends late leaves a later one pending', async () => {
    await put('notes', { paused: true });
    await servers.setPaused('notes', false);
    await put('notes', { paused: true });
    await put('notes');

    const [first, second] = started;
    if (first === undefined || second === undefined) throw new Error('not resumed twice');
    await endServerResumption(pool, first);

    expect(await pending()).toEqual([second]);
    expect(second.resumption).toBeGreaterThan(first.resumption);
  });

  test('stays pending when the server is registered again', async () => {
    await put('notes', { paused: true });
    await servers.setPaused('notes', false);
    await put('notes', { title: 'Notes' });

    expect(await pending()).toEqual(started);
  });

  test('stays pending when Temporal is down, and the server is resumed', async () => {
    const start = () => Promise.reject(Object.assign(new Error('down'), { code: 14 }));
    // The cast leaves out what a start does not need.
    const client = { workflow: { start }, withDeadline: (_: number, call: () => unknown) => call() } as never;
    const logger = createLogger({ level: 'silent' });
    const { startServerResumption } = createCredentialWorkflows({ client, taskQueue: 'q', logger });
    await put('notes', { paused: true });

    expect(await createServerStore(pool, vault, startServerResumption).setPaused('notes', false)).toBe(true);

    expect(await isServerPaused(pool, 'notes')).toBe(false);
    expect(await pending()).toHaveLength(1);
  });

  test('of a server that is removed while it is paused is pending', async () => {
    await put('notes', { paused: true });
    await servers.remove('notes');

    expect(started).toHaveLength(1);
    expect(await pending()).toEqual(started);
    for (const resumption of started) await endServerResumption(pool, resumption);
    expect(await pending()).toEqual([]);
  });

  test('that was not started is started when the server is removed', async () => {
    await put('notes', { paused: true });
    await servers.setPaused('notes', false);
    started.length = 0;
    await servers.remove('notes');

    expect(started).toHaveLength(1);
    expect(await pending()).toEqual(started);
  });

  test('of a removed server that did not wait does not exist', async () => {
    await put('notes');
    await servers.remove('notes');
    expect([started, await pending()]).toEqual([[], []]);
  });

  test('of a server that is registered for the first time does not exist', async () => {
    await put('notes');
    expect([started, await pending()]).toEqual([[], []]);
  });
});
