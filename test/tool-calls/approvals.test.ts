import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import { rpcResult, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { createWorld, INVOICE, type World } from '../support/world.ts';

// Every order and every message that can come: test/workflows/mcp-step-approvals.test.ts.

const TRUSTED = 'trusted-ledger';
const EDITED = { customer: 'ACME', amount: 41 };
const LIST = { tool: 'list_invoices', arguments: {} };

let world: World;

beforeAll(async () => {
  world = await createWorld();
  const { url } = world.mcpServer;
  await world.register(TRUSTED, { url, auth: { type: 'oauth2' }, trustAnnotations: true });
});

afterAll(() => world.stop());

describe('a step that confirms what destroys', () => {
  test('goes unasked where a trusted server says that its tool only reads', async () => {
    const { user, step } = await start({ ...LIST, mcpServerId: TRUSTED, mode: 'confirm-destructive' });

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });

    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('asks where a trusted server says otherwise, and shows what it says', async () => {
    const { user, step } = await start({ mcpServerId: TRUSTED, mode: 'confirm-destructive' });

    const asked = await world.until(user, step.stepId, 'awaiting-input');

    expect(asked).toMatchObject({
      awaitingInputReason: 'needs-approval',
      pending: { arguments: INVOICE, annotations: { readOnlyHint: false, destructiveHint: true } },
    });
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('asks where the server is not trusted, whatever it says, and does not ask the server', async () => {
    const { user, step } = await start({ ...LIST, mode: 'confirm-destructive' });

    const asked = await world.until(user, step.stepId, 'awaiting-input');

    expect(asked.pending).toEqual({ arguments: {} });
    expect(world.mcpServer.requests({ user })).toEqual([]);
  });

  test('shows the beginning of a title of three megabytes', async () => {
    const server = await startScriptedMcpServer();
    const annotations = { title: 'x'.repeat(3 * 1024 * 1024), destructiveHint: true };
    server.on('tools/list', rpcResult({ tools: [{ name: 'wipe', annotations }] }));
    const mcpServerId = 'with-long-title';
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, trustAnnotations: true });
    const user = world.newUser();
    const step = await world.start(user, {
      mcpServerId,
      tool: 'wipe',
      arguments: {},
      mode: 'confirm-destructive',
    });

    const asked = await world.until(user, step.stepId, 'awaiting-input');

    expect(asked.pending?.annotations).toEqual({ title: 'x'.repeat(1_000), destructiveHint: true });
    await server.close();
  });

  test('asks nobody for a tool that can be called as a task only', async () => {
    const server = await startScriptedMcpServer();
    const execution = { taskSupport: 'required' };
    server.on('tools/list', rpcResult({ tools: [{ name: 'research', execution }] }));
    const mcpServerId = 'with-tasks';
    await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, trustAnnotations: true });
    const step = await world.start(world.newUser(), {
      mcpServerId,
      tool: 'research',
      mode: 'confirm-destructive',
    });

    await expect(world.result(step)).resolves.toEqual({
      status: 'error',
      error: { code: 'protocol-error', message: expect.stringContaining('only be called as a task') },
    });

    expect(server.count('tools/call')).toBe(0);
    await server.close();
  });

  test('asks for a connection first where the server has to be asked', async () => {
    const user = world.newUser();
    const step = await world.start(user, { ...LIST, mcpServerId: TRUSTED, mode: 'confirm-destructive' });
    const paused = await world.until(user, step.stepId, 'awaiting-input');
    expect(paused.awaitingInputReason).toBe('needs-oauth-reauth');

    await world.connect(user, { mcpServerId: TRUSTED });

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
  });
});

describe('approving', () => {
  test('with an edit that the tool’s schema refuses changes nothing; one that fits is what is called', async () => {
    const { user, step } = await startAsked();
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

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toMatchObject([{ arguments: EDITED }]);
    expect(await timelineOf(user, step)).toContainEqual(
      expect.objectContaining({ event: 'approved', by: 'grace', edited: true }),
    );
  });

  test('lasts through a reconnection: the edit is called, and nobody is asked twice', async () => {
    const { user, step } = await startAsked();
    const refusals = world.mcpServer.control.interceptRequests(
      { do: 'answer', status: 401 },
      { user, rpcMethod: 'tools/call', times: Number.POSITIVE_INFINITY },
    );
    await world.steps.approve(user, step.stepId, { arguments: EDITED });
    await untilReason(user, step, 'needs-oauth-reauth');

    refusals.release();
    await world.connect(user);

    await expect(world.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toMatchObject([{ arguments: EDITED }]);
    const reasons = (await timelineOf(user, step)).flatMap(({ reason }) => reason ?? []);
    expect(reasons).toEqual(['needs-approval', 'needs-oauth-reauth']);
  });

  test('by two people at once: one of them has approved, the other is told, the tool is called once', async () => {
    const { user, step } = await startAsked();

    const said = await Promise.all([
      world.steps.approve(user, step.stepId, {}, 'ada'),
      world.steps.approve(user, step.stepId, {}, 'grace'),
    ]);

    expect(said.map(({ kind }) => kind).sort()).toEqual(['applied', 'not-waiting']);
    await world.result(step);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    const winner = said[0]?.kind === 'applied' ? 'ada' : 'grace';
    const approvals = (await timelineOf(user, step)).filter(({ event }) => event === 'approved');
    expect(approvals).toMatchObject([{ by: winner }]);
  });
});

describe('a step that waits for approval', () => {
  test('is skipped when it is rejected, and says by whom', async () => {
    const { user, step } = await startAsked();

    await world.steps.reject(user, step.stepId, { reason: 'wrong customer' }, 'grace');

    await expect(world.result(step)).resolves.toEqual({ status: 'skipped', reason: 'wrong customer' });
    expect(await timelineOf(user, step)).toContainEqual(
      expect.objectContaining({ event: 'rejected', by: 'grace' }),
    );
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('ends at its deadline', async () => {
    const { user, step } = await startAsked({ timeouts: { approval: '1s' } });

    await expect(world.result(step)).resolves.toMatchObject({ error: { code: 'approval-timed-out' } });

    expect(world.mcpServer.calls({ user })).toEqual([]);
    expect(await world.steps.approve(user, step.stepId)).toMatchObject({ kind: 'not-waiting' });
  });
});

async function start(change: Partial<McpStepInput>): Promise<{ user: string; step: StepView }> {
  const user = world.newUser();
  await world.connect(user, { ...(change.mcpServerId && { mcpServerId: change.mcpServerId }) });
  return { user, step: await world.start(user, change) };
}

/** A step that waits for approval. */
async function startAsked(change: Partial<McpStepInput> = {}): Promise<{ user: string; step: StepView }> {
  const { user, step } = await start({ mode: 'automated-with-confirmation', ...change });
  await world.until(user, step.stepId, 'awaiting-input');
  return { user, step };
}

async function untilReason(user: string, { stepId }: StepView, reason: string): Promise<void> {
  await vi.waitFor(
    async () => expect((await world.steps.get(user, stepId))?.awaitingInputReason).toBe(reason),
    { timeout: 20_000 },
  );
}

async function timelineOf(user: string, { stepId }: StepView) {
  return (await world.steps.get(user, stepId))?.timeline ?? [];
}
