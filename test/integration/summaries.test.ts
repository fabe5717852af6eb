import type { temporal as proto } from '@temporalio/proto';
import { describe, expect, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { fairnessKey } from '../../src/contracts/step-workflow-id.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

type HistoryEvent = proto.api.history.v1.IHistoryEvent;

const WAIT = { timeout: 30_000 };
const SECRET = 'argument-that-nobody-else-reads';
const test = testInWorld();

describe('in Temporal’s UI an operator reads', () => {
  test('what a step is, and what its activities and timers are for, and no argument', async ({
    world,
    scripted,
  }) => {
    const user = world.users.newUser();
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', (response) => response.writeHead(503).end());
    const step = await world.steps.start(user, {
      mcpServerId,
      tool: 'look',
      arguments: { text: SECRET },
      sideEffects: 'read-only',
    });
    await untilDetails(world, step, `Waiting: server \`${mcpServerId}\` gave no answer`);

    expect(await summaryOfStart(world, step)).toBe(`\`look\` at \`${mcpServerId}\``);
    expect(await summaries(world, step)).toMatchObject({
      invokeTool: `\`look\` at \`${mcpServerId}\``,
      timer: `server \`${mcpServerId}\` gave no answer`,
    });
    expect(Object.values(await summaries(world, step)).join()).not.toContain(SECRET);
    await world.temporal.client.workflow.getHandle(step.workflowId).cancel();
  });

  test('what a step waits for when it is paused, and nothing once it goes on', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user);
    await untilDetails(world, step, 'Waiting for its user: needs-oauth-reauth (not-connected)');

    expect(await summaries(world, step)).toMatchObject({
      registerWaiter: `connection to \`${world.mcpServerId}\``,
      timer: `connection to \`${world.mcpServerId}\``,
    });

    await world.users.connect(user);
    await world.steps.result(step);
    expect(await detailsOf(world, step)).toBe('');
  });

  test('what a listing lists and waits for', async ({ world }) => {
    const userId = world.users.newUser();
    const servers = [{ mcpServerId: world.mcpServerId }];
    const handle = await world.temporal.client.workflow.start('mcpTools', {
      taskQueue: world.config.taskQueue,
      workflowId: `listing-${userId}`,
      args: [{ userId, servers, waitUntilConnected: true }],
    });
    await untilDetails(world, handle, 'Waiting for its user: needs-oauth-reauth (not-connected)');

    expect(await summaries(world, handle)).toMatchObject({
      listTools: `tools of \`${world.mcpServerId}\``,
      timer: `connections to \`${world.mcpServerId}\``,
    });
    await handle.cancel();
  });
});

test('every activity has its user as fairness key, also of a step that was started without one', async ({
  world,
}) => {
  const userId = `${world.users.newUser()}-${'x'.repeat(80)}`;
  const { mcpServerId } = world;
  const step = await world.steps.start(userId);
  const bare = await world.temporal.client.workflow.start('mcpStep', {
    taskQueue: world.config.taskQueue,
    workflowId: `bare-${userId}`,
    args: [{ userId, mcpServerId, tool: 'create_invoice', arguments: {} }],
  });
  for (const workflow of [step, bare]) await untilPausedForUser(world, workflow);

  const key = fairnessKey(userId);
  expect(Buffer.byteLength(key)).toBeLessThanOrEqual(64);
  expect(await fairnessKeys(world, step)).toEqual({ start: key, invokeTool: key, registerWaiter: key });
  expect(await fairnessKeys(world, bare)).toEqual({ start: '', invokeTool: key, registerWaiter: key });
  await Promise.all(
    [step, bare].map((one) => world.temporal.client.workflow.getHandle(one.workflowId).cancel()),
  );
});

const untilPausedForUser = (world: World, step: Named) =>
  untilDetails(world, step, 'Waiting for its user: needs-oauth-reauth (not-connected)');

async function fairnessKeys({ temporal }: World, { workflowId }: Named): Promise<Record<string, string>> {
  const { events } = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const keys: Record<string, string> = {};
  for (const event of events ?? []) {
    const { workflowExecutionStartedEventAttributes: started } = event;
    const { activityTaskScheduledEventAttributes: scheduled } = event;
    if (started) keys.start = started.priority?.fairnessKey ?? '';
    if (scheduled) keys[scheduled.activityType?.name ?? ''] = scheduled.priority?.fairnessKey ?? '';
  }
  return keys;
}

type Named = Pick<StepView, 'workflowId'>;

async function detailsOf({ temporal }: World, { workflowId }: Named): Promise<string | undefined> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails;
}

async function untilDetails(world: World, step: Named, details: string): Promise<void> {
  await vi.waitFor(async () => expect(await detailsOf(world, step)).toBe(details), WAIT);
}

async function summaryOfStart({ temporal }: World, { workflowId }: Named): Promise<string | undefined> {
  return (await temporal.client.workflow.getHandle(workflowId).describe()).staticSummary();
}

/** The last summary of each kind of activity, and of the timers. */
async function summaries(world: World, { workflowId }: Named): Promise<Record<string, string>> {
  const { client } = world.temporal;
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const found: Record<string, string> = {};
  for (const event of events ?? []) {
    const of = event.activityTaskScheduledEventAttributes?.activityType?.name;
    const name = of ?? (event.timerStartedEventAttributes ? 'timer' : undefined);
    if (name !== undefined) found[name] = await summaryOf(world, event);
  }
  return found;
}

async function summaryOf({ temporal }: World, { userMetadata }: HistoryEvent): Promise<string> {
  const { payloadCodecs, payloadConverter } = temporal.client.options.loadedDataConverter;
  let payload = userMetadata?.summary;
  if (!payload) return 'none';
  for (const codec of payloadCodecs) [payload = payload] = await codec.decode([payload]);
  return payloadConverter.fromPayload(payload);
}
