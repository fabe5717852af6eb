import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowInfo } from '@temporalio/workflow';
import { describe, expect, vi } from 'vitest';
import type { StepChange, StepEventData } from '../../src/contracts/webhooks.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createStepSinks } from '../../src/webhooks/step-sinks.ts';
import { serveTcp } from '../net/loopback-server.ts';
import { INVOICE, type World } from '../support/world.ts';
import { historyLength } from './step-histories.ts';
import { connectionDeliveries, stepDeliveries, testWithReceiver } from './webhook-fixture.ts';
import type { TestReceiver } from './webhook-receiver.ts';

const QUIET = createLogger({ level: 'silent' });

const test = testWithReceiver();

test.beforeAll(async ({ world }) => void (await world.startWorker()));

describe('a step', () => {
  test('sends events when it waits for its user and when it has finished', async ({ world, receiver }) => {
    const user = world.users.newUser();
    const deposit = await world.users.consent(user);
    await world.users.deposit(user, deposit);
    world.authorizationServer.control.revokeGrants(user);
    const step = await world.steps.start(user);
    await world.steps.until(user, step.stepId, 'awaiting-input');
    await vi.waitFor(() => expect(typesAbout(receiver, user)).toContain('step.awaiting_input'), {
      timeout: 30_000,
    });
    await world.users.connect(user);
    await world.steps.result(step);
    await vi.waitFor(() => expect(typesAbout(receiver, user)).toContain('step.finished'), {
      timeout: 30_000,
    });

    const about = {
      userId: user,
      stepId: step.stepId,
      workflowId: step.workflowId,
      mcpServerId: world.mcpServerId,
      account: 'default',
    };
    const told = stepDeliveries(receiver, user);
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

  test('that fails sends its code and not what the tool said', async ({ world, receiver }) => {
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

  test('that is cancelled sends step.finished', async ({ world, receiver }) => {
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

  test('adds no event to its history for a webhook', async ({ world, receiver }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const step = await world.steps.start(user);
    await world.steps.result(step);
    expect(await historyLength(world, step)).toBe(11);
    await receiver.received(user, 2);
    expect(stepDeliveries(receiver, user)).toHaveLength(1);
  });

  test.for([
    ['hangs', () => {}],
    ['is broken', (response: ServerResponse) => void response.destroy()],
  ] as const)('is not held up by a receiver that %s', async ([_, misbehave], { world, receiver }) => {
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

  test('sends each change once even if Temporal repeats the workflow task', async ({ world, receiver }) => {
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
    expect(stepDeliveries(receiver, user).map(({ payload }) => payload.timestamp)).toEqual([
      '1970-01-01T00:00:01.000Z',
      '1970-01-01T00:00:02.000Z',
    ]);
  });
});

describe('a connection', () => {
  test('sends an event for every deposit that changed something and for a required reconnection', async ({
    world,
    receiver,
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
    await vi.waitFor(() => expect(connectionDeliveries(receiver, user)).toHaveLength(3), { timeout: 30_000 });

    const about = { userId: user, mcpServerId: world.mcpServerId, account: 'default' };
    expect(connectionDeliveries(receiver, user).map(({ payload }) => payload)).toEqual([
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

  test('sends one event when its server has moved', async ({ world, receiver }) => {
    const user = world.users.newUser();
    const at = (path: string) => ({ url: `${world.mcpServer.url}${path}`, auth: { type: 'oauth2' } });
    await world.register('moving', at(''));
    await world.users.deposit(user, { ...(await world.users.consent(user)), mcpServerId: 'moving' });
    await world.register('moving', { ...at(''), title: 'The same party' });
    await world.register('moving', at('/elsewhere'));
    await world.register('moving', at('/yet-elsewhere'));
    await vi.waitFor(() => expect(connectionDeliveries(receiver, user)).toHaveLength(2), { timeout: 30_000 });
    await expectNothingLeft(world);
    expect(connectionDeliveries(receiver, user).map(({ payload }) => payload.data)).toMatchObject([
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
  return {
    userId,
    stepId: 's',
    workflowId: 'w',
    mcpServerId: 'ledger',
    account: 'default',
    status: 'success',
  };
}

function typesAbout(receiver: TestReceiver, userId: string): string[] {
  return stepDeliveries(receiver, userId).map(({ payload }) => payload.type);
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
