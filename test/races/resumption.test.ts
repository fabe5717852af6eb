import { describe, expect } from 'vitest';
import { listingAsStep } from '../../src/contracts/listing.ts';
import type { McpToolsInput } from '../../src/contracts/mcp-tools.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { resumeWorkflowId, stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

describe('a resumption', () => {
  test('signals every waiter once, even if it is started many times at once and again after its end', async ({
    world,
  }) => {
    const user = world.users.newUser();
    const steps = [await startPaused(world, user), await startPaused(world, user)];
    const version = await depositWithoutResumption(world, user);

    await Promise.all(Array.from({ length: 5 }, () => startResumption(world, user, version)));
    await Promise.all(steps.map(world.steps.result));
    await startResumption(world, user, version);

    expect(await resultOfResumption(world, user, version)).toEqual({ signalled: 0 });
    for (const step of steps) expect(await signalsTo(world, step)).toBe(1);
    expect(world.mcpServer.calls({ user })).toHaveLength(2);
  });

  test('drops a waiter whose workflow was terminated, and resumes the others', async ({ world }) => {
    const user = world.users.newUser();
    const [gone, left] = [await startPaused(world, user), await startPaused(world, user)];
    await world.temporal.client.workflow.getHandle(gone.workflowId).terminate();
    expect(await world.steps.waiting(user)).toHaveLength(2);

    await world.users.connect(user);

    await expect(world.steps.result(left)).resolves.toMatchObject({ status: 'success' });
    await resultOfResumption(world, user, 1);
    expect(await world.steps.waiting(user)).toEqual([]);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('does not signal a step that has paused after seeing the same deposit', async ({ world }) => {
    const user = world.users.newUser();
    const { version } = await world.users.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    const step = await startPaused(world, user);

    await startResumption(world, user, version);

    expect(await resultOfResumption(world, user, version)).toEqual({ signalled: 0 });
    expect(await world.steps.waiting(user)).toEqual([step.stepId]);
    expect(await signalsTo(world, step)).toBe(0);
    await world.users.connect(user);
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
  });
});

describe('reconciliation', () => {
  test('starts the resumption that a deposit could not start', async ({ world }) => {
    const user = world.users.newUser();
    const step = await startPaused(world, user);
    await depositWithoutResumption(world, user);

    await expect(reconcile(world)).resolves.toMatchObject({ resumptions: 1 });

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    await expect(reconcile(world)).resolves.toMatchObject({ resumptions: 0 });
  });

  test('starts it for a listing of tools too, whose user gets the tools of both connections', async ({
    world,
  }) => {
    const user = world.users.newUser();
    await world.register('books', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
    const listing = await startPausedListing(world, user, ['ledger', 'books']);
    await depositWithoutResumption(world, user);
    await depositWithoutResumption(world, user, 'books');
    expect(await signalsTo(world, listing)).toBe(0);

    await expect(reconcile(world)).resolves.toMatchObject({ resumptions: 2 });

    const tools = [{ tools: expect.anything() }, { tools: expect.anything() }];
    expect(await world.temporal.client.workflow.getHandle(listing.workflowId).result()).toMatchObject({
      servers: tools,
    });
    await expect(reconcile(world)).resolves.toMatchObject({ resumptions: 0 });
  });

  test('wakes no step whose user has not deposited since or has disconnected', async ({ world }) => {
    const user = world.users.newUser();
    const step = await startPaused(world, user);
    await expect(reconcile(world)).resolves.toMatchObject({ resumptions: 0 });

    await world.users.connect(user);
    await world.steps.result(step);
    world.authorizationServer.control.revokeGrants(user);
    const next = await startPaused(world, user);
    await world.users.disconnect(user);

    await expect(reconcile(world)).resolves.toMatchObject({ resumptions: 0 });
    expect(await world.steps.waiting(user)).toEqual([next.stepId]);
    expect(await signalsTo(world, next)).toBe(0);
  });
});

async function startPaused(world: World, user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function startPausedListing(world: World, user: string, servers: string[]): Promise<StepView> {
  const stepId = 'tools';
  const input: McpToolsInput = {
    userId: user,
    servers: servers.map((mcpServerId) => ({ mcpServerId })),
    waitUntilConnected: true,
  };
  await world.temporal.client.workflow.start('mcpTools', {
    taskQueue: world.config.taskQueue,
    workflowId: stepWorkflowId(user, stepId),
    args: [input],
    ...listingAsStep(user, stepId, input.servers),
  });
  return world.steps.until(user, stepId, 'awaiting-input');
}

/** As if the process had died right after the commit. */
async function depositWithoutResumption(
  world: World,
  user: string,
  mcpServerId = world.mcpServerId,
): Promise<number> {
  const deps = { ...world.services, refuseAddress: () => undefined, startResumption: async () => {} };
  const outcome = await depositCredential(deps, user, await world.users.consent(user, { mcpServerId }));
  if (outcome.kind !== 'stored') throw new Error(`the deposit was not stored: ${outcome.kind}`);
  return outcome.version;
}

function startResumption(world: World, userId: string, version: number): Promise<void> {
  return world.services.workflows.startResumption({ userId, mcpServerId: world.mcpServerId }, version);
}

function resultOfResumption(world: World, user: string, version: number): Promise<unknown> {
  const workflowId = resumeWorkflowId({ userId: user, mcpServerId: world.mcpServerId }, version);
  return world.temporal.client.workflow.getHandle(workflowId).result();
}

function reconcile(world: World): Promise<unknown> {
  const { taskQueue } = world.config;
  const workflowId = `reconcile-${taskQueue}`;
  return world.temporal.client.workflow.execute('reconcile', { taskQueue, workflowId, args: [] });
}

async function signalsTo(world: World, { workflowId }: StepView): Promise<number> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
}
