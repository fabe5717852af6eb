import { randomUUID } from 'node:crypto';
import { describe, expect, vi } from 'vitest';
import { countWaitingSteps } from '../../src/steps/count-waiting-steps.ts';
import { createMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { createPrometheusMeter } from '../../src/telemetry/metrics/prometheus-meter.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import type { World } from '../support/world.ts';
import { samplesOf } from '../telemetry/metrics/samples.ts';

const meter = createPrometheusMeter();
const test = testInWorld(async () => ({
  metrics: createMetrics(meter),
  // The counts are of all steps of the namespace.
  namespace: await createTestNamespace(),
}));

const samples = async () => samplesOf(await meter.read());
const countOf = async (sample: string) => (await samples()).get(sample) ?? 0;

describe('a run is counted:', () => {
  test('calls with their outcome, and the sessions that stay open', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await world.steps.result(await world.steps.start(user));
    await world.steps.result(await world.steps.start(user, { tool: 'no_such_tool' }));

    const found = await samples();

    expect(found.get('latchkey_calls_total{server="ledger",outcome="success"}')).toBe(1);
    expect(found.get('latchkey_calls_total{server="ledger",outcome="unknown-tool"}')).toBe(1);
    expect(found.get('latchkey_call_seconds_count{server="ledger"}')).toBe(2);
    expect(found.get('latchkey_mcp_connections')).toBeGreaterThan(0);
  });

  test('a renewal once, however many steps wait for it', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.authorizationServer.control.expireAccessTokens(user);
    const steps = await Promise.all(Array.from({ length: 5 }, () => world.steps.start(user)));
    await Promise.all(steps.map((step) => world.steps.result(step)));

    expect(await countOf('latchkey_renewals_total{server="ledger",result="renewed"}')).toBe(1);
    expect(await countOf('latchkey_renewal_seconds_count{server="ledger"}')).toBe(1);
  });

  test('a deposit, the steps that it resumes, and how long they waited', async ({ world, api }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user);
    await world.steps.until(user, step.stepId, 'awaiting-input');
    const [before, waitedBefore] = await Promise.all([
      countOf('latchkey_resumptions_total'),
      countOf('latchkey_wait_seconds_count{reason="needs-oauth-reauth"}'),
    ]);

    const deposit = await api.ask(user, 'POST /mcp-oauth-credentials', await world.users.consent(user));
    expect(deposit).toMatchObject({ status: 200, body: { resuming: 1 } });
    await world.steps.result(step);

    expect(await countOf('latchkey_deposits_total{server="ledger"}')).toBe(1);
    expect(await countOf('latchkey_resumptions_total')).toBe(before + 1);
    expect(await countOf('latchkey_wait_seconds_count{reason="needs-oauth-reauth"}')).toBe(waitedBefore + 1);
  });

  test('requests by route, never by address', async ({ world, api }) => {
    const user = world.users.newUser();
    await api.ask(user, `GET /steps/${user}`);
    await api.ask(user, `GET /no-such-address/${user}`);

    const sample = (route: string) => `latchkey_http_request_seconds_count{route="${route}",status="404"}`;
    expect(await countOf(sample('/steps/:stepId'))).toBe(1);
    expect(await countOf(sample('unknown'))).toBe(1);
  });
});

describe('waiting steps', () => {
  test('are counted by reason, from Postgres and from Temporal', async ({ world, scripted }) => {
    const user = world.users.newUser();
    const before = await counts(world);
    const paused = await scripted.register({ paused: true });
    const [reauth, approval] = await Promise.all([
      world.steps.start(user),
      world.steps.start(user, { mode: 'automated-with-confirmation' }),
      world.steps.start(user, { mcpServerId: paused.mcpServerId }),
    ]);
    await world.steps.until(user, reauth.stepId, 'awaiting-input');
    await world.steps.until(user, approval.stepId, 'awaiting-input');

    await vi.waitFor(
      async () => {
        const now = await counts(world);
        expect(now['needs-oauth-reauth']).toBe(Number(before['needs-oauth-reauth']) + 1);
        expect(now['needs-approval']).toBe(Number(before['needs-approval']) + 1);
        expect(now['server-paused']).toBe(Number(before['server-paused']) + 1);
        expect(now['outcome-unknown']).toBe(before['outcome-unknown']);
      },
      { timeout: 20_000, interval: 200 },
    );
  });

  test('of a paused server whose id a query can not name are left out', async ({ world, scripted }) => {
    const { server } = await scripted.register();
    const mcpServerId = `it's ${randomUUID()}`;
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, paused: true });
    const before = await counts(world);
    const user = world.users.newUser();
    const [unnamed, named] = [{ mcpServerId }, await scripted.register({ paused: true })];
    await world.steps.start(user, unnamed);
    await world.steps.start(user, { mcpServerId: named.mcpServerId });

    // Both are in Temporal's lists by the time that the second one is.
    await vi.waitFor(
      async () => expect((await counts(world))['server-paused']).toBe(Number(before['server-paused']) + 1),
      { timeout: 20_000, interval: 200 },
    );
  });
});

test('no sample holds the id of a user', async ({ world, api }) => {
  const user = `${world.users.newUser()}@example.com`;
  await world.users.connect(user);
  await world.steps.result(await world.steps.start(user));
  await api.ask(user, 'GET /steps');

  expect(await meter.read()).not.toContain(user);
});

function counts({ services, temporal }: World) {
  return countWaitingSteps({ db: services.db, client: temporal.client });
}
