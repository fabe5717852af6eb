import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, type TestContext, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { type ServerProcess, startServerProcess } from '../integration/processes/start-server-process.ts';
import { startWorkerProcess } from '../integration/processes/start-worker-process.ts';
import { createWorld, INVOICE, type World } from '../support/world.ts';
import { startMany } from './contention.ts';
import { refreshes } from './refresh-failures.ts';

const UNTIL = { timeout: 30_000, interval: 20 };
/** Node's clock of the whole exit: far below the 30 s after which a supervisor kills. */
const GRACE_MS = 28_000;
const CLIENTS = 8;
/** What the worker gives its calls. */
const WORKER_GRACE_MS = 25_000;

describe('an API process that is told to stop under load', { timeout: 120_000 }, () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
  });

  afterAll(() => world.stop());

  test('reports not ready first, answers all accepted requests and exits', async () => {
    const server = await startServer(world, { DRAIN_DELAY_SECONDS: '10' });
    const user = world.users.newUser();
    await world.users.connect(user);
    const load = startLoad(server, user, CLIENTS);
    await vi.waitFor(() => expect(load.accepted.length).toBeGreaterThan(20), UNTIL);
    const exited = once(server.child, 'exit');
    const toldAt = performance.now();

    server.child.kill('SIGTERM');

    const draining = await vi.waitFor(() => healthOf(server, 503), UNTIL);
    expect(draining).toMatchObject({ code: 'draining', checks: { postgres: 'ok', temporal: 'ok' } });
    // The server still serves while it reports that: clients that have not noticed yet are not refused. Each of them
    // may have had one request under way before.
    const acceptedBefore = load.accepted.length;
    await vi.waitFor(() => expect(load.accepted.length).toBeGreaterThan(acceptedBefore + CLIENTS), UNTIL);
    expect(await exited).toEqual([0, null]);
    expect(performance.now() - toldAt).toBeLessThan(GRACE_MS);
    await load.stopped;
    // Whoever came too late was not let in, or was cut off at the door: nothing of theirs has begun.
    for (const { stepId, code } of load.failures) {
      expect(code).toMatch(/^(ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET)$/);
      expect(await world.steps.get(user, stepId)).toBeUndefined();
    }
    await expectAllDone(world, user, load.accepted);
  });

  test('answers a long poll with the step as it is', async () => {
    const server = await startServer(world, { DRAIN_DELAY_SECONDS: '0' });
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');
    const polling = ask(server, user, 'GET', `/steps/${stepId}?wait=30s`);
    // The poll is under way when the history is being polled: another request has been answered after it.
    await ask(server, user, 'GET', `/steps/${stepId}`);
    const exited = once(server.child, 'exit');

    server.child.kill('SIGTERM');

    const answer = await polling;
    expect(answer.status).toBe(200);
    // Kept, it would hold up the end.
    expect(answer.headers.get('connection')).toBe('close');
    expect(await answer.json()).toMatchObject({ status: 'awaiting-input' });
    expect(await exited).toEqual([0, null]);
  });
});

describe.concurrent('a worker process that is told to stop', { timeout: 180_000 }, () => {
  /** One of its refreshes has been processed, and its answer is held back. */
  async function scene({ onTestFinished }: TestContext) {
    const world = await createWorld({ withoutWorker: true });
    onTestFinished(() => world.stop());
    const doomed = await startWorkerProcess(world.environment());
    onTestFinished(() => doomed.kill());
    const renewing = world.users.newUser();
    await world.users.deposit(renewing, { ...(await world.users.consent(renewing)), expiresIn: 0 });
    const refresh = world.authorizationServer.control.interceptTokenRequests(
      { do: 'hold-after-processing' },
      { accountId: renewing },
    );
    const waiting = await world.steps.start(renewing);
    await refresh.reached();
    const exited = once(doomed.child, 'exit').then((how) => ({ how, at: performance.now() }));
    return { world, doomed, renewing, waiting, refresh, exited };
  }

  test('finishes its calls and refreshes under load and leaves the rest to other workers', async (context) => {
    const { world, doomed, renewing, waiting, refresh, exited } = await scene(context);
    const busy = world.users.newUser();
    await world.users.connect(busy);
    const steps = await startMany(world, busy, 60, { sideEffects: 'unsafe' });
    await vi.waitFor(() => expect(world.mcpServer.calls({ user: busy }).length).toBeGreaterThan(10), UNTIL);
    const toldAt = performance.now();

    doomed.child.kill('SIGTERM');
    await doomed.logged('draining');
    await world.startWorker();
    refresh.release();
    const heldForMs = performance.now() - toldAt;

    const { how, at } = await exited;
    expect(how).toEqual([0, null]);
    expect(at - toldAt).toBeLessThan(WORKER_GRACE_MS + heldForMs);
    await expectAllDone(world, busy, steps);
    await expectAllDone(world, renewing, [waiting]);
    expect(refreshes(world, renewing)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('finishes a refresh beyond its grace time and exits when the answer is stored', async (context) => {
    const { world, doomed, renewing, waiting, refresh, exited } = await scene(context);

    doomed.child.kill('SIGTERM');
    // In real time: what is under test is that this one passes without an end.
    await delay(WORKER_GRACE_MS + 3_000);
    expect(doomed.child.exitCode).toBeNull();
    refresh.release();
    const releasedAt = performance.now();

    const { how, at } = await exited;
    expect(how).toEqual([0, null]);
    expect(at - releasedAt).toBeLessThan(10_000);
    await world.startWorker();
    await expectAllDone(world, renewing, [waiting]);
    expect(refreshes(world, renewing)).toEqual({ succeeded: 1, failed: 0 });
  });
});

/** Every step succeeded, by exactly one call of the tool, and none of them had to be taken for lost. */
async function expectAllDone(world: World, user: string, steps: Pick<StepView, 'stepId'>[]): Promise<void> {
  for (const { stepId } of steps) {
    // Awaited without asking again and again: hundreds of them at once would be a load of their own.
    await world.temporal.client.workflow.getHandle(stepWorkflowId(user, stepId)).result();
    const step = await world.steps.reported(user, stepId);
    expect(step.status).toBe('success');
    expect(step.timeline.map(({ event }) => event)).not.toContain('answer-lost');
  }
  const keys = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);
  expect(keys).toHaveLength(steps.length);
  expect(new Set(keys).size).toBe(steps.length);
}

async function startServer(world: World, environment: Record<string, string>): Promise<ServerProcess> {
  const server = await startServerProcess({ ...world.environment(), ...environment });
  onTestFinished(() => server.kill());
  return server;
}

/** Starts steps until the server refuses connections. */
function startLoad(server: ServerProcess, user: string, clients: number) {
  const accepted: { stepId: string }[] = [];
  const failures: { stepId: string; code: string }[] = [];
  const client = async () => {
    for (;;) {
      const stepId = randomUUID();
      const body = { mcpServerId: 'ledger', tool: 'create_invoice', arguments: INVOICE, stepId };
      try {
        await untilAccepted(() => ask(server, user, 'POST', '/steps', body));
        accepted.push({ stepId });
      } catch (error) {
        failures.push({ stepId, code: codeOf(error) });
        return;
      }
    }
  };
  return { accepted, failures, stopped: Promise.all(Array.from({ length: clients }, client)) };
}

/** A start has a time limit of its own, which a busy machine may exceed: asked again, it is the same step. */
async function untilAccepted(start: () => Promise<Response>): Promise<void> {
  for (;;) {
    const answer = await start();
    if (answer.ok) return;
    expect(await answer.json()).toMatchObject({ code: 'temporal-unavailable' });
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(error);
}

async function ask(server: ServerProcess, user: string, method: string, path: string, body?: object) {
  return fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await server.tokenOf(user)}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
}

/** Over a connection of its own, as a load balancer asks. */
async function healthOf(server: ServerProcess, status: number): Promise<unknown> {
  const answer = await fetch(`${server.url}/health`, { headers: { connection: 'close' } });
  expect(answer.status).toBe(status);
  return answer.json();
}
