import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, vi } from 'vitest';
import { readTokens, readVersions } from '../credentials/credential-row.ts';
import { isActive } from '../credentials/oidc-fixture.ts';
import {
  inTurn,
  startScriptedTokenEndpoint,
  type TokenReply,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { startWorkerProcess, type WorkerProcess } from '../integration/processes/start-worker-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createWorld, type World } from '../support/world.ts';
import { connectExpired, eventsOf, refreshes, userView } from './refresh-failures.ts';
import { passOn } from './token-endpoint-in-front.ts';

// In real time: a lease is good for 15 s, an answer is waited for for 60 s.
const LIMIT_MS = 150_000;

const test = testInWorld({ withoutWorker: true });
let worker: WorkerProcess;

test.beforeAll(async ({ world }) => {
  worker = await startWorkerProcess(world.environment());
});

afterAll(async () => {
  await worker.kill();
});

/** Processes it only then. */
const late =
  (tokenEndpoint: string): TokenReply =>
  async (...exchange) => {
    await delay(35_000);
    passOn(tokenEndpoint)(...exchange);
  };
const never = (): TokenReply => () => {};

describe.concurrent('steps of a worker process, while this process wants the same token,', () => {
  test.for([
    ['wait for an answer that takes 35 s, which is the only one', 35_000, 1, late],
    ['ask again after a minute without an answer, and not before', 60_000, 2, never],
  ] as const)(
    '%s: each calls once',
    { timeout: LIMIT_MS },
    async ([_what, afterMs, requests, first], { world }) => {
      const endpoint = await startScriptedTokenEndpoint();
      const { tokenEndpoint } = world.authorizationServer;
      endpoint.answer(inTurn(first(tokenEndpoint), passOn(tokenEndpoint)));
      const user = await connectExpired(world, endpoint.url);
      const steps = await Promise.all([1, 2, 3].map(() => world.steps.start(user)));
      const [step] = steps;
      if (step === undefined) throw new Error('three were started');
      await endpoint.arrived(1);
      const from = performance.now();

      const refused = await contend(world, user);

      expect(performance.now() - from).toBeGreaterThan(afterMs - 1_000);
      // It looks for two seconds at a time.
      expect(refused).toBeGreaterThan(afterMs / 10_000);
      for (const one of steps) expect(await world.steps.result(one)).toMatchObject({ status: 'success' });
      await vi.waitFor(
        async () =>
          expect(await eventsOf(world, user, step)).toEqual(['started', 'token-renewed', 'finished']),
        20_000,
      );
      expect(await userView(world, user, step)).toMatchObject({ connection: { status: 'connected' } });
      expect(endpoint.seen).toHaveLength(requests);
      expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
      expect(world.mcpServer.calls({ user })).toHaveLength(steps.length);
      await endpoint.stop();
    },
  );

  test('lose the grant if the lease is not extended meanwhile (negative control)', {
    timeout: LIMIT_MS,
  }, async ({ onTestFinished }) => {
    const other = await createWorld({ withoutWorker: true });
    onTestFinished(() => other.stop());
    const endpoint = await startScriptedTokenEndpoint();
    onTestFinished(endpoint.stop);
    const passedOn = passOn(other.authorizationServer.tokenEndpoint);
    const slow: TokenReply = (...exchange) => void delay(35_000).then(() => passedOn(...exchange));
    endpoint.answer(inTurn(slow, passedOn));
    const user = await connectExpired(other, endpoint.url);
    const faulty = await startFaultyWorker(other.environment(), { [user]: { without: 'extension' } });
    onTestFinished(() => faulty.kill());
    await other.startWorker({ withoutActivities: true });
    await other.steps.start(user);
    await endpoint.arrived(1);

    // The lease is over before the answer is there: this process sends the same token.
    await contend(other, user);

    expect(endpoint.seen).toHaveLength(2);
    const reused = () => expect(refreshes(other, user)).toEqual({ succeeded: 1, failed: 1 });
    await vi.waitFor(reused, { timeout: 60_000, interval: 100 });
    const { accessToken } = await readTokens(other.services, {
      userId: user,
      mcpServerId: other.mcpServerId,
    });
    expect(await isActive(other.authorizationServer, accessToken ?? '')).toBe(false);
  });
});

/** Wants to renew the token until somebody has; answers how often it had to step aside. */
async function contend(world: World, userId: string): Promise<number> {
  const key = { userId, mcpServerId: world.mcpServerId };
  const seen = await readVersions(world.services.db, key);
  for (let refused = 0; ; refused += 1) {
    const outcome = await world.services.renewal.renew(key, seen);
    if (outcome.kind === 'renewed') return refused;
    expect(outcome).toEqual({ kind: 'busy' });
  }
}
