import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import { INVOICE, type World } from '../support/world.ts';
import type { Application } from './application.ts';

/** Runs one step to its end, and cancels another in its scope, in a Worker of the application with the plugin. */
export async function runStepsInApplication(world: World, application: Application): Promise<void> {
  const { taskQueue } = world.config;
  const worker = application.start(['worker.js'], { ...world.environment(), APPLICATION_QUEUE: taskQueue });
  await worker.until('running');
  await runToTheEnd(world);
  await cancelInScope(world);
  await worker.stop();
}

/** Runs a step in `latchkey worker` as the application has it, with no file of its own. */
export async function runStepInCommand(world: World, application: Application): Promise<void> {
  const environment = { ...world.environment(), LOG_LEVEL: 'info' };
  const worker = application.start(['node_modules/.bin/latchkey', 'worker'], environment);
  await worker.until('"msg":"ready"');
  const user = world.users.newUser();
  await world.users.connect(user);
  expect(await world.steps.result(await world.steps.start(user))).toMatchObject({ status: 'success' });
  await worker.stop();
}

/** Starts the application's workflow, whose step has the id of the workflow. */
export function startInScope(
  world: World,
  userId: string,
  taskQueue = world.config.taskQueue,
): Promise<WorkflowHandle> {
  const { mcpServerId, config } = world;
  const workflowId = randomUUID();
  const input = { userId, mcpServerId, tool: 'create_invoice', arguments: INVOICE, stepId: workflowId };
  const args = [input, { taskQueue: config.taskQueue }];
  return world.temporal.client.workflow.start('runInScope', { taskQueue, workflowId, args });
}

async function runToTheEnd(world: World): Promise<void> {
  const user = world.users.newUser();
  await world.users.connect(user);
  expect(await (await startInScope(world, user)).result()).toBe('success');
}

async function cancelInScope(world: World): Promise<void> {
  const notConnected = world.users.newUser();
  const parent = await startInScope(world, notConnected);
  await world.steps.until(notConnected, parent.workflowId, 'awaiting-input');

  await parent.signal('cancelScope');

  expect(await parent.result()).toBe('cancelled');
  expect(await world.steps.get(notConnected, parent.workflowId)).toMatchObject({ status: 'cancelled' });
}
