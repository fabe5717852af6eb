import { describe, expect, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import { testInWorld } from '../support/fixtures.ts';
import { rpcResult, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { INVOICE, type World } from '../support/world.ts';

// Every order and every message that can come: test/workflows/mcp-step-approvals.test.ts.

const TRUSTED = 'trusted-ledger';
const EDITED = { customer: 'ACME', amount: 41 };
const LIST = { tool: 'list_invoices', arguments: {} };

const test = testInWorld();

test.beforeAll(async ({ world }) => {
  const { url } = world.mcpServer;
  await world.register(TRUSTED, { url, auth: { type: 'oauth2' }, trustAnnotations: true });
});

describe('a step in the mode confirm-destructive', () => {
  test('calls without approval a tool that a trusted server calls read-only', async ({ world }) => {
    const { user, step } = await start(world, { ...LIST, mcpServerId: TRUSTED, mode: 'confirm-destructive' });

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });

    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('asks for other tools of a trusted server and shows the annotations', async ({ world }) => {
    const { user, step } = await start(world, { mcpServerId: TRUSTED, mode: 'confirm-destructive' });

    const asked = await world.steps.until(user, step.stepId, 'awaiting-input');

    expect(asked).toMatchObject({
      awaitingInputReason: 'needs-approval',
      pending: { arguments: INVOICE, annotations: { readOnlyHint: false, destructiveHint: true } },
    });
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('asks for every tool of an untrusted server without listing its tools', async ({ world }) => {
    const { user, step } = await start(world, { ...LIST, mode: 'confirm-destructive' });

    const asked = await world.steps.until(user, step.stepId, 'awaiting-input');

    expect(asked.pending).toEqual({ arguments: {} });
    expect(world.mcpServer.requests({ user })).toEqual([]);
  });

  test('shows the beginning of a title of three megabytes', async ({ world }) => {
    const server = await startScriptedMcpServer();
    const annotations = { title: 'x'.repeat(3 * 1024 * 1024), destructiveHint: true };
    server.on('tools/list', rpcResult({ tools: [{ name: 'wipe', annotations }] }));
    const mcpServerId = 'with-long-title';
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, trustAnnotations: true });
    const user = world.users.newUser();
    const step = await world.steps.start(user, {
      mcpServerId,
      tool: 'wipe',
      arguments: {},
      mode: 'confirm-destructive',
    });

    const asked = await world.steps.until(user, step.stepId, 'awaiting-input');

    expect(asked.pending?.annotations).toEqual({ title: 'x'.repeat(1_000), destructiveHint: true });
    await server.close();
  });

  test('does not ask for a tool that can only be called as a task', async ({ world }) => {
    const server = await startScriptedMcpServer();
    const execution = { taskSupport: 'required' };
    server.on('tools/list', rpcResult({ tools: [{ name: 'research', execution }] }));
    const mcpServerId = 'with-tasks';
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, trustAnnotations: true });
    const step = await world.steps.start(world.users.newUser(), {
      mcpServerId,
      tool: 'research',
      mode: 'confirm-destructive',
    });

    await expect(world.steps.result(step)).resolves.toEqual({
      status: 'error',
      error: { code: 'protocol-error', message: expect.stringContaining('only be called as a task') },
    });

    expect(server.count('tools/call')).toBe(0);
    await server.close();
  });

  test('asks for a connection first when it must list the tools', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user, {
      ...LIST,
      mcpServerId: TRUSTED,
      mode: 'confirm-destructive',
    });
    const paused = await world.steps.until(user, step.stepId, 'awaiting-input');
    expect(paused.awaitingInputReason).toBe('needs-oauth-reauth');

    await world.users.connect(user, { mcpServerId: TRUSTED });

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
  });
});

describe('approving', () => {
  test('with an edit that the tool’s schema refuses changes nothing, and an edit that fits is called', async ({
    world,
  }) => {
    const { user, step } = await startAsked(world);
    const approve = (edited: Record<string, unknown>) =>
      world.steps.approve(user, step.stepId, { arguments: edited }, 'grace');

    expect(await approve({ ...EDITED, amount: 'a lot' })).toEqual({
      kind: 'invalid',
      message: '/amount: must be number',
    });
    expect(await world.steps.get(user, step.stepId)).toMatchObject({
      status: 'awaiting-input',
      pending: { arguments: INVOICE },
    });
    expect(await approve(EDITED)).toMatchObject({ kind: 'applied' });

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toMatchObject([{ arguments: EDITED }]);
    expect(await timelineOf(world, user, step)).toContainEqual(
      expect.objectContaining({ event: 'approved', by: 'grace', edited: true }),
    );
  });

  test('survives a reconnection: the edit is called, and the user is not asked twice', async ({ world }) => {
    const { user, step } = await startAsked(world);
    const refusals = world.mcpServer.control.interceptRequests(
      { do: 'answer', status: 401 },
      { user, rpcMethod: 'tools/call', times: Number.POSITIVE_INFINITY },
    );
    await world.steps.approve(user, step.stepId, { arguments: EDITED });
    await untilReason(world, user, step, 'needs-oauth-reauth');

    refusals.release();
    await world.users.connect(user);

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toMatchObject([{ arguments: EDITED }]);
    const reasons = (await timelineOf(world, user, step)).flatMap(({ reason }) => reason ?? []);
    expect(reasons).toEqual(['needs-approval', 'needs-oauth-reauth']);
  });

  test('by two people at once counts once, tells the other one and calls the tool once', async ({
    world,
  }) => {
    const { user, step } = await startAsked(world);

    const said = await Promise.all([
      world.steps.approve(user, step.stepId, {}, 'ada'),
      world.steps.approve(user, step.stepId, {}, 'grace'),
    ]);

    expect(said.map(({ kind }) => kind).sort()).toEqual(['applied', 'not-waiting']);
    await world.steps.result(step);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    const winner = said[0]?.kind === 'applied' ? 'ada' : 'grace';
    const approvals = (await timelineOf(world, user, step)).filter(({ event }) => event === 'approved');
    expect(approvals).toMatchObject([{ by: winner }]);
  });
});

describe('a step that waits for approval', () => {
  test('is skipped when it is rejected, and says by whom', async ({ world }) => {
    const { user, step } = await startAsked(world);

    await world.steps.reject(user, step.stepId, { reason: 'wrong customer' }, 'grace');

    await expect(world.steps.result(step)).resolves.toEqual({ status: 'skipped', reason: 'wrong customer' });
    expect(await timelineOf(world, user, step)).toContainEqual(
      expect.objectContaining({ event: 'rejected', by: 'grace' }),
    );
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('ends at its deadline', async ({ world }) => {
    const mode = 'automated-with-confirmation';
    const { user, step } = await start(world, { mode, timeouts: { approval: '1s' } });

    await expect(world.steps.result(step)).resolves.toMatchObject({ error: { code: 'approval-timed-out' } });

    expect(world.mcpServer.calls({ user })).toEqual([]);
    expect(await world.steps.approve(user, step.stepId)).toMatchObject({ kind: 'not-waiting' });
  });
});

async function start(world: World, change: Partial<McpStepInput>): Promise<{ user: string; step: StepView }> {
  const user = world.users.newUser();
  await world.users.connect(user, { ...(change.mcpServerId && { mcpServerId: change.mcpServerId }) });
  return { user, step: await world.steps.start(user, change) };
}

/** A step that waits for approval. */
async function startAsked(
  world: World,
  change: Partial<McpStepInput> = {},
): Promise<{ user: string; step: StepView }> {
  const { user, step } = await start(world, { mode: 'automated-with-confirmation', ...change });
  await world.steps.until(user, step.stepId, 'awaiting-input');
  return { user, step };
}

async function untilReason(world: World, user: string, { stepId }: StepView, reason: string): Promise<void> {
  await vi.waitFor(
    async () => expect((await world.steps.get(user, stepId))?.awaitingInputReason).toBe(reason),
    { timeout: 20_000 },
  );
}

async function timelineOf(world: World, user: string, { stepId }: StepView) {
  return (await world.steps.reported(user, stepId)).timeline;
}
