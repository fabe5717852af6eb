import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, vi } from 'vitest';
import { createCallLimits } from '../../src/activities/call-limits.ts';
import { type CallPlaces, createCallPlaces, type Place } from '../../src/activities/call-places.ts';
import { createInvokeTool, type InvokeToolDependencies } from '../../src/activities/invoke-tool.ts';
import type { InvokeToolInput, InvokeToolOutcome } from '../../src/contracts/activities.ts';
import type { Pool } from '../../src/db/pool.ts';
import { createLogger } from '../../src/logging/logger.ts';
import type { McpPort } from '../../src/mcp/port.ts';
import { httpTestWith } from '../http/fixtures.ts';
import {
  createHttpFixture,
  DEPOSIT,
  type HttpFixture,
  OAUTH_SERVER,
  registerServer,
} from '../http/http-fixture.ts';

const test = httpTestWith(createHttpFixture);
const WAIT = { timeout: 20_000 };

/** A server with one place, connected by `alice`. */
async function serverWithOnePlace(fixture: HttpFixture, mcpServerId: string): Promise<void> {
  await registerServer(fixture, mcpServerId, { ...OAUTH_SERVER, maxConcurrentCalls: 1 });
  await deposit(fixture, mcpServerId, 'at-1');
}

async function deposit(fixture: HttpFixture, mcpServerId: string, accessToken: string): Promise<void> {
  const payload = {
    ...DEPOSIT,
    mcpServerId,
    refreshToken: `rt of ${accessToken}`,
    accessToken,
    expiresIn: 3_600,
  };
  const answer = await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload });
  expect(answer.statusCode).toBe(200);
}

/** An MCP server that answers at once, the tokens that it was sent, and the statements that calls sent to the database. */
function caller({ pool, vault }: HttpFixture, ownPlaces?: CallPlaces) {
  const tokens: (string | undefined)[] = [];
  const statements: string[] = [];
  const query = (statement: string, values: unknown[]) => {
    statements.push(statement);
    return pool.query(statement, values);
  };
  // The cast leaves out what the stores do not use.
  const db = { query } as unknown as Pool;
  const mcp: Pick<McpPort, 'callTool'> = {
    async callTool({ bearerToken }) {
      tokens.push(bearerToken);
      return { kind: 'completed', isError: false, result: { content: [] } };
    },
  };
  const logger = createLogger({ level: 'silent' });
  const places = ownPlaces ?? createCallPlaces({ pool: db, logger });
  const limits = createCallLimits({ perUser: 10, perServer: 10 });
  // The cast leaves out what these calls do not use: lists of tools, and renewals.
  const invokeTool = createInvokeTool({
    db,
    vault,
    mcp,
    logger,
    limits,
    places,
  } as unknown as InvokeToolDependencies);
  const call = (
    mcpServerId: string,
    environment = new MockActivityEnvironment(),
  ): Promise<InvokeToolOutcome> => environment.run(invokeTool, inputFor(mcpServerId));
  const count = (part: string) => statements.filter((one) => one.includes(part)).length;
  return { places, tokens, count, call };
}

function inputFor(mcpServerId: string): InvokeToolInput {
  const call = { tool: 'echo', arguments: {}, idempotencyKey: 'key-1', inactivityTimeoutMs: 10_000 };
  return { userId: 'alice', mcpServerId, ...call };
}

async function take(places: CallPlaces, mcpServerId: string): Promise<Extract<Place, { kind: 'place' }>> {
  const place = await places.enter(mcpServerId, 1);
  if (place.kind === 'full') throw new Error('all places are held');
  return place;
}

describe('a call to a server with a limit on its calls', () => {
  test('reads the credential once if it gets a place at once', async ({ fixture }) => {
    await serverWithOnePlace(fixture, 'free');
    const enter = async (): Promise<Place> => ({ kind: 'place', waited: false, release: () => {} });
    const { call, count, tokens } = caller(fixture, { enter });

    expect(await call('free')).toMatchObject({ kind: 'completed' });
    expect(tokens).toEqual(['at-1']);
    expect(count('mcp_credential')).toBe(1);
  });

  test('uses the credential that was deposited while it waited for a place', async ({ fixture }) => {
    await serverWithOnePlace(fixture, 'held');
    const { places, call, count, tokens } = caller(fixture);
    const held = await take(places, 'held');
    const calling = call('held');
    // Its first look, after that of the place that is held.
    await vi.waitFor(() => expect(count('mcp_take_call_place')).toBeGreaterThan(1), WAIT);
    await deposit(fixture, 'held', 'at-2');
    held.release();

    expect(await calling).toMatchObject({ kind: 'completed' });
    expect(tokens).toEqual(['at-2']);
  });

  test('is lost if it was scheduled before Temporal was restored, though all places are held', async ({
    fixture,
  }) => {
    await serverWithOnePlace(fixture, 'restored');
    const { places, call, tokens } = caller(fixture);
    const held = await take(places, 'restored');
    await fixture.pool.query(
      `INSERT INTO mcp_restoration (temporal_restored_at) VALUES (now() + interval '1 minute')`,
    );
    const outcome = await call('restored');
    await fixture.pool.query('DELETE FROM mcp_restoration');
    held.release();

    expect(outcome).toEqual({ kind: 'lost', cause: 'history-restored' });
    expect(tokens).toEqual([]);
  });

  test('heartbeats while it waits for a place', async ({ fixture }) => {
    await serverWithOnePlace(fixture, 'slow');
    let admit = (_: Place) => {};
    const enter = vi.fn(() => new Promise<Place>((resolve) => (admit = resolve)));
    const { call } = caller(fixture, { enter });
    const environment = new MockActivityEnvironment();
    let heartbeats = 0;
    environment.on('heartbeat', () => {
      heartbeats += 1;
    });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const calling = call('slow', environment);
      await vi.waitFor(() => expect(enter).toHaveBeenCalled(), WAIT);
      vi.advanceTimersByTime(20_000);
      expect(heartbeats).toBe(4);
      admit({ kind: 'place', waited: true, release: () => {} });
      expect(await calling).toMatchObject({ kind: 'completed' });
    } finally {
      vi.useRealTimers();
    }
  });
});
