import { randomUUID } from 'node:crypto';
import { describe, expect, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import { isServerPaused, listPendingServerResumptions } from '../../src/servers/server-switch.ts';
import { testInWorld } from '../support/fixtures.ts';
import { rpcResult } from '../support/scripted-mcp-server.ts';
import { newServerId } from '../support/scripted-servers.ts';
import { INVOICE, type World } from '../support/world.ts';

const STEPS = 20;
const WAIT = { timeout: 50_000, interval: 50 };
const test = testInWorld();

const pathOf = (mcpServerId: string) => `/mcp-servers/${encodeURIComponent(mcpServerId)}`;
const isPausedStep = ({ timeline }: StepView) => timeline.at(-1)?.event === 'server-paused';

async function untilPaused(world: World, userId: string, { stepId }: StepView): Promise<void> {
  await vi.waitFor(async () => {
    const step = await world.steps.get(userId, stepId);
    if (step === undefined || !isPausedStep(step)) throw new Error(JSON.stringify(step?.timeline));
    expect(step.status).toBe('running');
  }, WAIT);
}

/** The world's MCP server under another id, paused. The user is connected to it. */
async function pausedLedger(world: World, userId: string): Promise<string> {
  const mcpServerId = newServerId();
  await world.register(mcpServerId, { url: world.mcpServer.url, auth: { type: 'oauth2' }, paused: true });
  await world.users.connect(userId, { mcpServerId });
  return mcpServerId;
}

/** As a client of Temporal starts a step: without search attributes and memo. */
async function startBare(world: World, input: McpStepInput): Promise<string> {
  const { workflowId } = await world.temporal.client.workflow.start('mcpStep', {
    taskQueue: world.config.taskQueue,
    workflowId: `bare-${randomUUID()}`,
    args: [input],
  });
  return workflowId;
}

const resultOf = (world: World, workflowId: string) =>
  world.temporal.client.workflow.getHandle(workflowId).result();

describe(`${STEPS} steps of a paused server`, () => {
  test('wait without a call, and one request makes each call once', async ({ world, api }) => {
    const user = world.users.newUser();
    const mcpServerId = await pausedLedger(world, user);
    const steps = await Promise.all(
      Array.from({ length: STEPS }, () => world.steps.start(user, { mcpServerId })),
    );
    await Promise.all(steps.map((step) => untilPaused(world, user, step)));
    expect(world.mcpServer.requests({ user })).toEqual([]);

    expect(await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`)).toMatchObject({
      status: 200,
      body: { id: mcpServerId, paused: false },
    });

    const results = await Promise.all(steps.map((step) => world.steps.result(step)));
    expect(results.map(({ status }) => status)).toEqual(Array(STEPS).fill('success'));
    const keys = world.mcpServer.calls({ user }).map(({ idempotencyKey }) => idempotencyKey);
    expect([keys.length, new Set(keys).size]).toEqual([STEPS, STEPS]);
  });

  test('call at once if it is not paused (negative control)', async ({ world, api }) => {
    const user = world.users.newUser();
    const mcpServerId = await pausedLedger(world, user);
    await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`);

    const steps = await Promise.all(
      Array.from({ length: STEPS }, () => world.steps.start(user, { mcpServerId })),
    );

    await Promise.all(steps.map((step) => world.steps.result(step)));
    expect(world.mcpServer.calls({ user })).toHaveLength(STEPS);
  });
});

describe('resuming a server', () => {
  test('reaches steps that were started without search attributes', async ({ world, api }) => {
    const user = world.users.newUser();
    const mcpServerId = await pausedLedger(world, user);
    const input = { userId: user, mcpServerId, tool: 'create_invoice', arguments: INVOICE };
    const workflowId = await startBare(world, input);
    await untilBarePaused(world, workflowId);

    await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`);

    expect(await resultOf(world, workflowId)).toMatchObject({ status: 'success' });
  });

  test("reaches the steps of a server whose id can't be quoted, and of no other", async ({
    world,
    api,
    scripted,
  }) => {
    const user = world.users.newUser();
    const { server, mcpServerId: other } = await scripted.register({ paused: true });
    const mcpServerId = `o'brien "x" \\ ${randomUUID()}`;
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, paused: true });
    const step = await world.steps.start(user, { mcpServerId });
    const another = await world.steps.start(user, { mcpServerId: other });
    await Promise.all([step, another].map((one) => untilPaused(world, user, one)));

    await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`);

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect((await world.steps.reported(user, another.stepId)).timeline).toHaveLength(2);
    expect(server.count('tools/call')).toBe(1);
  });

  test('whose workflow was not started is made up for by the reconcile schedule', async ({
    world,
    scripted,
  }) => {
    const user = world.users.newUser();
    const { mcpServerId } = await scripted.register({ paused: true });
    const step = await world.steps.start(user, { mcpServerId });
    await untilPaused(world, user, step);
    // As after the death of the server between the commit and the start.
    await createServerStore(world.services.pool, world.services.vault).setPaused(mcpServerId, false);
    expect(await pendingOf(world, mcpServerId)).toHaveLength(1);

    const { taskQueue } = world.config;
    const workflowId = `reconcile-${randomUUID()}`;
    await world.temporal.client.workflow.execute('reconcile', { taskQueue, workflowId, args: [] });

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  });

  test('that is paused again at once lets no call through', async ({ world, api, scripted }) => {
    const user = world.users.newUser();
    const { server, mcpServerId } = await scripted.register({ paused: true });
    const step = await world.steps.start(user, { mcpServerId });
    await untilPaused(world, user, step);
    const { pool, vault } = world.services;
    const started: number[] = [];
    const servers = createServerStore(pool, vault, async ({ resumption }) => void started.push(resumption));
    await servers.setPaused(mcpServerId, false);
    await servers.setPaused(mcpServerId, true);
    expect(await isServerPaused(pool, mcpServerId)).toBe(true);

    const [resumption = 0] = started;
    const handle = await world.temporal.client.workflow.start('resumeServer', {
      taskQueue: world.config.taskQueue,
      workflowId: `resume-server-${randomUUID()}`,
      args: [{ mcpServerId, resumption }],
    });

    await vi.waitFor(async () => {
      const { events } = await handle.fetchHistory();
      expect(events?.some((event) => event.timerStartedEventAttributes)).toBe(true);
    }, WAIT);
    expect((await world.steps.reported(user, step.stepId)).timeline).toHaveLength(2);
    expect(server.seen).toEqual([]);
    await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`);
    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  });
});

describe('a step of a paused server', () => {
  test('does not ask for the tool’s annotations before it is resumed', async ({ world, api, scripted }) => {
    const user = world.users.newUser();
    const { server, mcpServerId } = await scripted.register({ paused: true, trustAnnotations: true });
    const tool = { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };
    server.on('tools/list', rpcResult({ tools: [tool] }));
    const step = await world.steps.start(user, { mcpServerId, tool: 'look', mode: 'confirm-destructive' });
    await untilPaused(world, user, step);
    expect(server.seen).toEqual([]);

    await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`);

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  });

  test('ends when the server is removed', async ({ world, api, scripted }) => {
    const user = world.users.newUser();
    const { mcpServerId } = await scripted.register({ paused: true });
    const step = await world.steps.start(user, { mcpServerId });
    await untilPaused(world, user, step);

    expect(await api.askAsAdmin(`DELETE ${pathOf(mcpServerId)}`)).toMatchObject({ status: 204 });

    expect(await world.steps.result(step)).toMatchObject({ error: { code: 'misconfigured' } });
  });

  test('does not ask its user to connect, or renew a token, before it is resumed', async ({ world, api }) => {
    const user = world.users.newUser();
    const mcpServerId = newServerId();
    await world.register(mcpServerId, { url: world.mcpServer.url, auth: { type: 'oauth2' }, paused: true });
    const step = await world.steps.start(user, { mcpServerId });
    await untilPaused(world, user, step);

    await api.askAsAdmin(`POST ${pathOf(mcpServerId)}/resume`);

    const { awaitingInputReason } = await world.steps.until(user, step.stepId, 'awaiting-input');
    expect(awaitingInputReason).toBe('needs-oauth-reauth');
  });
});

async function untilBarePaused(world: World, workflowId: string): Promise<void> {
  const handle = world.temporal.client.workflow.getHandle(workflowId);
  await vi.waitFor(async () => {
    if (!isPausedStep(await handle.query<StepView>('step'))) throw new Error('not yet');
  }, WAIT);
}

async function pendingOf({ services }: World, mcpServerId: string): Promise<unknown[]> {
  const pending = await listPendingServerResumptions(services.db, 100);
  return pending.filter((one) => one.mcpServerId === mcpServerId);
}
