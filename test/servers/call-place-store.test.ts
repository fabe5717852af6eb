import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import {
  type CallPlace,
  extendCallPlaces,
  releaseCallPlace,
  takeCallPlace,
} from '../../src/servers/call-place-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const LIMIT = 3;

let database: TestDatabase;
let pool: Pool;
let mcpServerId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, size: 20, onIdleError: () => {} });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(() => {
  mcpServerId = `server-${randomBytes(4).toString('hex')}`;
});

const newPlace = (): CallPlace => ({ id: randomUUID(), mcpServerId });

async function take(limit = LIMIT): Promise<CallPlace | undefined> {
  const place = newPlace();
  return (await takeCallPlace(pool, place, limit)) ? place : undefined;
}

async function expire({ id }: CallPlace): Promise<void> {
  await pool.query("UPDATE mcp_call_place SET held_until = now() - interval '1 s' WHERE id = $1", [id]);
}

async function countRows(): Promise<number> {
  const { rowCount } = await pool.query('SELECT FROM mcp_call_place WHERE mcp_server_id = $1', [mcpServerId]);
  return rowCount ?? 0;
}

describe('the places of a server', () => {
  test('are taken by as many calls as the limit says, however many ask at once', async () => {
    for (let round = 0; round < 5; round++) {
      const taken = await Promise.all(Array.from({ length: 20 }, () => take()));
      const places = taken.filter((place) => place !== undefined);
      expect(places).toHaveLength(LIMIT);
      await Promise.all(places.map((place) => releaseCallPlace(pool, place)));
    }
    expect(await countRows()).toBe(0);
  });

  test('of another server are not counted', async () => {
    for (let n = 0; n < LIMIT; n++) await take();
    expect(await take()).toBeUndefined();
    expect(await takeCallPlace(pool, { id: randomUUID(), mcpServerId: `${mcpServerId}-2` }, 1)).toBe(true);
  });

  test('become free when a worker no longer extends them', async () => {
    const dead = await take(1);
    if (dead === undefined) throw new Error('no place');
    expect(await take(1)).toBeUndefined();
    await expire(dead);

    const next = await take(1);
    expect(next).toBeDefined();

    await extendCallPlaces(pool, next ? [next] : []);
    expect(await countRows()).toBe(1);
  });

  test('stay held while they are extended, and are counted again after a time in which none could be', async () => {
    const held = await take(1);
    if (held === undefined) throw new Error('no place');
    await expire(held);
    await extendCallPlaces(pool, [held]);
    expect(await take(1)).toBeUndefined();

    await releaseCallPlace(pool, held);
    await extendCallPlaces(pool, [held]);
    expect(await take(1)).toBeUndefined();
  });

  test('above a limit that was lowered become no place for another call', async () => {
    for (let n = 0; n < LIMIT; n++) await take();
    expect(await take(1)).toBeUndefined();
  });
});
