import { randomBytes, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowInfo } from '@temporalio/workflow';
import { afterAll, describe, expect, vi } from 'vitest';
import type { StepChange, StepEventData } from '../../src/contracts/webhooks.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { sendWebhook } from '../../src/webhooks/send-webhook.ts';
import { createStepSinks } from '../../src/webhooks/step-sinks.ts';
import { serveTcp } from '../net/loopback-server.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { TestWorker } from '../support/test-worker.ts';
import { INVOICE, type World } from '../support/world.ts';
import { deliveryOfFirstChange, historyLength } from './step-histories.ts';
import { type Delivery, startWebhookReceiver, status, type TestReceiver } from './webhook-receiver.ts';

const QUIET = createLogger({ level: 'silent' });
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const OLD_SECRET = newSecret();
const NEW_SECRET = newSecret();
const STRANGE_SECRET = newSecret();

let receiver: TestReceiver;
const test = testInWorld(async () => {
  receiver = await startWebhookReceiver([OLD_SECRET, NEW_SECRET, STRANGE_SECRET]);
  return { withoutWorker: true, webhooks: { url: receiver.url, secrets: [NEW_SECRET, OLD_SECRET] } };
});
let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  worker = await world.startWorker();
});

afterAll(async () => {
  await receiver.close();
});

describe('a step', () => {
  test('sends events when it waits for its user and when it has finished', async ({ world }) => {
    const user = world.users.newUser();
    const deposit = await world.users.consent(user);
    await world.users.deposit(user, deposit);
    world.authorizationServer.control.revokeGrants(user);
    const step = await world.steps.start(user);
    await world.steps.until(user, step.stepId, 'awaiting-input');
    await vi.waitFor(() => expect(typesAbout(user)).toContain('step.awaiting_input'), { timeout: 10_000 });
    await world.users.connect(user);
    await world.steps.result(step);
    await vi.waitFor(() => expect(typesAbout(user)).toContain('step.finished'), { timeout: 10_000 });

    const about = {
      userId: user,
      stepId: step.stepId,
      workflowId: step.workflowId,
      mcpServerId: world.mcpServerId,
    };
    const told = stepDeliveries(user);
    expect(told.map(({ payload }) => payload)).toEqual([
      {
        type: 'step.awaiting_input',
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        data: {
          ...about,
          status: 'awaiting-input',
          awaitingInputReason: 'needs-oauth-reauth',
          connectionReason: 'invalid-grant',
          connectUrl: `https://latchkey.example/connect/ledger?step=${step.stepId}`,
        },
      },
      { type: 'step.finished', timestamp: expect.any(String), data: { ...about, status: 'success' } },
    ]);
    expect(new Set(told.map(({ id }) => id)).size).toBe(2);
    for (const { body } of told) {
      for (const secret of [INVOICE.customer, deposit.refreshToken, deposit.accessToken ?? '']) {
        expect(body).not.toContain(secret);
      }
    }
  });

  test('that fails sends its code and not what the tool said', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user, { mcpServerId: 'nowhere' });
    await world.steps.result(step);
    const [delivery] = await receiver.received(user, 1);
    expect(delivery?.payload).toMatchObject({
      type: 'step.finished',
      data: { stepId: step.stepId, status: 'error', errorCode: 'misconfigured' },
    });
    expect(delivery?.payload.data).not.toHaveProperty('result');
  });

  test('that is cancelled sends step.finished', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user, { mode: 'automated-with-confirmation' });
    await world.steps.until(user, step.stepId, 'awaiting-input');
    await world.steps.cancel(user, step.stepId);
    const deliveries = await receiver.received(user, 2);
    expect(deliveries.map(({ payload }) => [payload.type, payload.data.status]).sort()).toEqual([
      ['step.awaiting_input', 'awaiting-input'],
      ['step.finished', 'cancelled'],
    ]);
  });

  test('adds no event to its history for a webhook', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const step = await world.steps.start(user);
    await world.steps.result(step);
    expect(await historyLength(world, step)).toBe(11);
    await receiver.received(user, 2);
    expect(stepDeliveries(user)).toHaveLength(1);
  });

  test.for([
    ['hangs', () => {}],
    ['is broken', (response: ServerResponse) => void response.destroy()],
  ] as const)('is not held up by a receiver that %s', async ([_, misbehave], { world }) => {
    let held: ServerResponse | undefined;
    const answer = (response: ServerResponse) => {
      held = response;
      misbehave(response);
    };
    const user = world.users.newUser();
    await world.users.connect(user);
    const [connected] = await receiver.received(user, 1);
    expect(connected?.payload.type).toBe('connection.connected');
    receiver.answer(user, answer);
    const step = await world.steps.start(user);
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    const [, attempt] = await receiver.received(user, 2);
    const delivery = world.temporal.client.workflow.getHandle(`webhook/${attempt?.id}`);
    expect((await delivery.describe()).status.name).toBe('RUNNING');
    await delivery.terminate();
    held?.destroy();
  });

  test('is held up for about a second when Temporal does not take the event', async ({ world }) => {
    const blackHole = await serveTcp(() => {});
    // Without the client's own retries: they outlive the connection and throw.
    const connection = Connection.lazy({ address: `127.0.0.1:${blackHole.port}`, interceptors: [] });
    const tell = sinkOf(world, new Client({ connection }));
    const before = performance.now();
    await tell(randomUUID(), { sequence: 1, at: new Date().toISOString(), data: aboutStep('nobody') });
    expect(performance.now() - before).toBeLessThan(6_000);
    await connection.close();
    await blackHole.close();
  });

  test('sends each change once even if Temporal repeats the workflow task', async ({ world }) => {
    const user = world.users.newUser();
    const tell = sinkOf(world, world.temporal.client);
    const runId = randomUUID();
    const change = (sequence: number) => ({
      sequence,
      at: new Date(sequence * 1000).toISOString(),
      data: aboutStep(user),
    });
    await tell(runId, change(1));
    const [first] = await receiver.received(user, 1);
    await world.temporal.client.workflow.getHandle(`webhook/${first?.id}`).result();
    await tell(runId, change(1));
    await tell(runId, change(2));
    await receiver.received(user, 2);
    expect(stepDeliveries(user).map(({ payload }) => payload.timestamp)).toEqual([
      '1970-01-01T00:00:01.000Z',
      '1970-01-01T00:00:02.000Z',
    ]);
  });
});

describe('a delivery', () => {
  test('is signed with both secrets while two are configured', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const [delivery] = await receiver.received(user, 1);
    expect(delivery?.verifiedWith).toEqual([OLD_SECRET, NEW_SECRET]);
  });

  test('is repeated after a failure, with the same id and body and a fresh timestamp', async ({ world }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(500));
    await world.users.connect(user);
    const [first, second] = await receiver.received(user, 2);
    expect(second).toMatchObject({ id: first?.id, body: first?.body });
    expect(second?.verifiedWith).toEqual([OLD_SECRET, NEW_SECRET]);
    expect(second?.timestamp).toBeGreaterThan(first?.timestamp ?? Number.POSITIVE_INFINITY);
    const handle = world.temporal.client.workflow.getHandle(`webhook/${first?.id}`);
    await expect(handle.result()).resolves.toBe('delivered');
  });

  test('waits for as long as the receiver asks', async ({ world }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(429, { 'retry-after': '3600' }));
    await world.users.connect(user);
    const [attempt] = await receiver.received(user, 1);
    const handle = world.temporal.client.workflow.getHandle(`webhook/${attempt?.id}`);
    await vi.waitFor(
      async () => {
        const { raw } = await handle.describe();
        expect(Number(raw.pendingActivities?.[0]?.currentRetryInterval?.seconds)).toBe(3600);
      },
      { timeout: 20_000 },
    );
    await handle.terminate();
  });

  test('does not follow a redirect', async ({ world }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(307, { location: `${receiver.url}/elsewhere` }));
    const network = createGuardedFetch({ policy: 'development' });
    const event = {
      id: 'event-1',
      payload: {
        type: 'connection.connected',
        timestamp: new Date().toISOString(),
        data: { userId: user, mcpServerId: 'ledger', status: 'connected', version: 1 },
      },
    } as const;
    await expect(
      sendWebhook(network.fetch, { url: receiver.url, secrets: [NEW_SECRET] }, event),
    ).resolves.toEqual({ kind: 'failed', cause: 'http-307' });
    expect(await receiver.received(user, 1)).toHaveLength(1);
    await network.close();
  });

  test('that is answered with 410 is the last one until the worker restarts', async ({ world }) => {
    const user = world.users.newUser();
    receiver.answer(user, status(410));
    await world.users.connect(user);
    const [refused] = await receiver.received(user, 1);
    const { workflow } = world.temporal.client;
    await expect(workflow.getHandle(`webhook/${refused?.id}`).result()).resolves.toBe('disabled');

    const other = world.users.newUser();
    const step = await world.steps.start(other, { mcpServerId: 'nowhere' });
    await world.steps.result(step);
    const finished = workflow.getHandle(await deliveryOfFirstChange(world, step, 'error'));
    await expect(finished.result()).resolves.toBe('disabled');
    expect(receiver.deliveries.filter(({ payload }) => payload.data.userId === other)).toEqual([]);

    await worker.stop();
    worker = await world.startWorker();
    await world.users.connect(other);
    await expect(receiver.received(other, 1)).resolves.toHaveLength(1);
  });
});

describe('a connection', () => {
  test('sends an event for every deposit that changed something and for a required reconnection', async ({
    world,
  }) => {
    const user = world.users.newUser();
    const deposit = await world.users.consent(user);
    await world.users.deposit(user, deposit);
    await world.users.deposit(user, deposit);
    world.authorizationServer.control.revokeGrants(user);
    const step = await world.steps.start(user);
    await world.steps.until(user, step.stepId, 'awaiting-input');
    await world.users.connect(user);
    await world.steps.result(step);
    await vi.waitFor(() => expect(connectionDeliveries(user)).toHaveLength(3), { timeout: 10_000 });

    const about = { userId: user, mcpServerId: world.mcpServerId };
    expect(connectionDeliveries(user).map(({ payload }) => payload)).toEqual([
      {
        type: 'connection.connected',
        timestamp: expect.any(String),
        data: { ...about, status: 'connected', version: 1 },
      },
      {
        type: 'connection.reauth_required',
        timestamp: expect.any(String),
        data: {
          ...about,
          status: 'reauth-required',
          reason: 'invalid-grant',
          version: 1,
          connectUrl: 'https://latchkey.example/connect/ledger',
        },
      },
      {
        type: 'connection.connected',
        timestamp: expect.any(String),
        data: { ...about, status: 'connected', version: 2 },
      },
    ]);
  });

  test('sends one event when its server has moved', async ({ world }) => {
    const user = world.users.newUser();
    const at = (path: string) => ({ url: `${world.mcpServer.url}${path}`, auth: { type: 'oauth2' } });
    await world.register('moving', at(''));
    await world.users.deposit(user, { ...(await world.users.consent(user)), mcpServerId: 'moving' });
    await world.register('moving', { ...at(''), title: 'The same party' });
    await world.register('moving', at('/elsewhere'));
    await world.register('moving', at('/yet-elsewhere'));
    await vi.waitFor(() => expect(connectionDeliveries(user)).toHaveLength(2), { timeout: 10_000 });
    await expectNothingLeft(world);
    expect(connectionDeliveries(user).map(({ payload }) => payload.data)).toMatchObject([
      { status: 'connected' },
      { mcpServerId: 'moving', status: 'reauth-required', reason: 'server-changed', version: 1 },
    ]);
  });
});

/** What the worker hands to workflows, as Temporal calls it. */
function sinkOf(world: World, client: Client) {
  const sinks = createStepSinks({ client, taskQueue: world.config.taskQueue, logger: QUIET }, true);
  // The cast: of all that the SDK knows of a workflow, the sink looks at the run's id.
  return async (runId: string, change: StepChange) =>
    sinks.webhooks.stepChanged.fn({ runId } as WorkflowInfo, change);
}

function aboutStep(userId: string): StepEventData {
  return { userId, stepId: 's', workflowId: 'w', mcpServerId: 'ledger', status: 'success' };
}

function stepDeliveries(userId: string): Delivery[] {
  return inOrder(userId, 'step.');
}

function connectionDeliveries(userId: string): Delivery[] {
  return inOrder(userId, 'connection.');
}

// By when it happened: deliveries of different events may overtake each other.
function inOrder(userId: string, prefix: string): Delivery[] {
  return receiver.deliveries
    .filter(({ payload }) => payload.data.userId === userId && payload.type.startsWith(prefix))
    .sort((a, b) => a.payload.timestamp.localeCompare(b.payload.timestamp));
}

function typesAbout(userId: string): string[] {
  return stepDeliveries(userId).map(({ payload }) => payload.type);
}

async function expectNothingLeft({ services }: World): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await services.db.query('SELECT id FROM mcp_connection_event');
      expect(rows).toEqual([]);
    },
    { timeout: 20_000 },
  );
}
