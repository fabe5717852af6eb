import { describe, expect, onTestFinished, vi } from 'vitest';
import { expectLeft, readRenewAfter } from '../credentials/credential-row.ts';
import {
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';
import { connectExpired, eventsOf, refreshes } from './refresh-failures.ts';
import { passOn } from './token-endpoint-in-front.ts';

const test = testInWorld();

const TEN_YEARS = 315_360_000;
const RENEWED_ONCE = ['started', 'token-renewed', 'finished'];
const NOT_RENEWED = ['started', 'finished'];

describe('a token that the endpoint gives with expires_in', () => {
  test.for([
    ['3600', 3540],
    ['"3600"', 3540],
    ['"1e3"', 940],
    ['100', 75],
    ['1e308', TEN_YEARS - 60],
    ['99999999999999999999999', TEN_YEARS - 60],
    ['"99999999999999999999999"', TEN_YEARS - 60],
    ['1e400', null],
    ['"Infinity"', null],
    ['null', null],
    ['absent', null],
  ] as const)(
    '%s serves the step that renewed it and the next one; it is due after %j s',
    async ([lifetime, due], { world }) => {
      const endpoint = await endpointWith(world, lifetime);
      const user = await connectExpired(world, endpoint.url);

      expect(await runStep(world, user)).toEqual(RENEWED_ONCE);

      expectAbout(await dueAfter(world, user), due);
      expect(await runStep(world, user)).toEqual(NOT_RENEWED);
      expect(endpoint.seen).toHaveLength(1);
      expect(world.mcpServer.calls({ user })).toHaveLength(2);
    },
  );

  test.for(['0', '-5', '"0"', '1e-320'])(
    '%s is used once by the step that renewed it, and renewed by the next',
    async (lifetime, { world }) => {
      const endpoint = await endpointWith(world, lifetime);
      const user = await connectExpired(world, endpoint.url);

      expect(await runStep(world, user)).toEqual(RENEWED_ONCE);
      expect(await runStep(world, user)).toEqual(RENEWED_ONCE);

      expectAbout(await dueAfter(world, user), 0);
      expect(refreshes(world, user)).toEqual({ succeeded: 2, failed: 0 });
      expect(world.mcpServer.calls({ user })).toHaveLength(2);
    },
  );

  test('0 serves many steps at once, each of which sees one renewal and calls once', async ({ world }) => {
    const endpoint = await endpointWith(world, '0');
    const user = await connectExpired(world, endpoint.url);
    const steps = await Promise.all(Array.from({ length: 20 }, () => world.steps.start(user)));

    for (const step of steps) expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    for (const step of steps)
      await vi.waitFor(async () => expect(await eventsOf(world, user, step)).toEqual(RENEWED_ONCE), 20_000);
    expect(world.mcpServer.calls({ user })).toHaveLength(steps.length);
    expect(refreshes(world, user).failed).toBe(0);
  });
});

/** @param lifetime `expires_in` as JSON, or `absent` */
async function endpointWith(world: World, lifetime: string): Promise<ScriptedTokenEndpoint> {
  const endpoint = await startScriptedTokenEndpoint();
  onTestFinished(() => endpoint.stop());
  const relay = (body: string) => {
    const { expires_in: _, ...tokens } = JSON.parse(body);
    const rest = JSON.stringify(tokens).slice(1);
    return raw(200, lifetime === 'absent' ? `{${rest}` : `{"expires_in":${lifetime},${rest}`);
  };
  endpoint.answer(passOn(world.authorizationServer.tokenEndpoint, relay));
  return endpoint;
}

async function runStep(world: World, user: string): Promise<string[]> {
  const step = await world.steps.start(user);
  expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  return eventsOf(world, user, step);
}

function dueAfter(world: World, userId: string): Promise<number | null> {
  return readRenewAfter(world.services.db, { userId, mcpServerId: world.mcpServerId });
}

function expectAbout(seconds: number | null, expected: number | null): void {
  if (expected === null) expect(seconds).toBeNull();
  else expectLeft(seconds, expected, 30);
}
