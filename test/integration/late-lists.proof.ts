import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { expect, onTestFinished, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import { listPendingServerResumptions } from '../../src/servers/server-switch.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { ScriptedServers } from '../support/scripted-servers.ts';
import { startTestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';

const WAIT = { timeout: 50_000, interval: 100 };
const test = testInWorld({ withoutWorker: true });

/** The same client, except that its first lists of executions are empty, as of a visibility store that lags. */
function clientWithLateLists(client: Client, late: number): Client {
  let lists = 0;
  const { workflowService } = client;
  const listWorkflowExecutions = async (request: object) => {
    lists += 1;
    if (lists <= late) return { executions: [], nextPageToken: new Uint8Array() };
    return workflowService.listWorkflowExecutions(request);
  };
  const service = Object.create(workflowService, {
    listWorkflowExecutions: { value: listWorkflowExecutions },
  });
  return Object.create(client, { workflowService: { value: service } });
}

/** A step that waits for a paused server, which is then resumed while the worker's first lists are empty. */
async function resumeWithLateLists(
  { world, scripted }: { world: World; scripted: ScriptedServers },
  late: number,
): Promise<{ step: StepView; timeline(): Promise<string[]> }> {
  const client = clientWithLateLists(world.services.client, late);
  const services = { ...world.services, client };
  const worker = await startTestWorker(world.config, world.temporal, services);
  onTestFinished(() => worker.stop());
  const user = world.users.newUser();
  const { mcpServerId } = await scripted.register({ paused: true });
  const step = await world.steps.start(user, { mcpServerId, stepId: randomUUID() });
  const timeline = async () => {
    const entries = (await world.steps.reported(user, step.stepId)).timeline;
    return entries.map(({ event }) => event);
  };
  await vi.waitFor(async () => expect((await timeline()).at(-1)).toBe('server-paused'), WAIT);
  const { pool, vault, workflows } = world.services;
  await createServerStore(pool, vault, workflows.startServerResumption).setPaused(mcpServerId, false);
  return { step, timeline };
}

async function untilNothingIsPending({ services }: World): Promise<void> {
  await vi.waitFor(async () => expect(await listPendingServerResumptions(services.db, 1)).toEqual([]), WAIT);
}

test('a step that Temporal does not list yet is resumed all the same', async ({ world, scripted }) => {
  const { step } = await resumeWithLateLists({ world, scripted }, 1);

  expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
});

test('a step that Temporal lists even later waits on (negative control)', async ({ world, scripted }) => {
  const { step, timeline } = await resumeWithLateLists({ world, scripted }, 2);

  await untilNothingIsPending(world);

  expect(await timeline()).toEqual(['started', 'server-paused']);
  await world.temporal.client.workflow.getHandle(step.workflowId).terminate();
});
