import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { uniqueTaskQueue } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';
import { startWorkerProcess } from './processes/start-worker-process.ts';

const UNTIL = { timeout: 60_000, interval: 200 };

test('a step that waited while its worker version was replaced continues on the next version', async () => {
  const world = await createWorld({ withoutWorker: true });
  onTestFinished(() => world.stop());
  const deployment = uniqueTaskQueue('latchkey');
  const first = await startVersion(world, deployment, 'v1');
  await makeCurrent(world, deployment, 'v1');
  const user = world.users.newUser();
  const { stepId, workflowId } = await world.steps.start(user);
  await world.steps.until(user, stepId, 'awaiting-input');

  await startVersion(world, deployment, 'v2');
  await makeCurrent(world, deployment, 'v2');
  const exited = once(first.child, 'exit');
  first.child.kill('SIGTERM');
  await exited;
  await world.users.connect(user);

  const step = await world.steps.until(user, stepId, 'success');
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
  expect(await versionsOf(world, step)).toEqual(['v1', 'v2']);
  const { workflowExecutionInfo } = await world.temporal.client.workflow
    .getHandle(workflowId)
    .describe()
    .then(({ raw }) => raw);
  expect(workflowExecutionInfo?.versioningInfo?.behavior).toBe(AUTO_UPGRADE);
}, 120_000);

/** temporal.api.enums.v1.VersioningBehavior */
const AUTO_UPGRADE = 2;

async function startVersion(world: World, name: string, buildId: string) {
  const worker = await startWorkerProcess({
    ...world.environment(),
    TEMPORAL_DEPLOYMENT_NAME: name,
    TEMPORAL_WORKER_BUILD_ID: buildId,
  });
  onTestFinished(() => worker.kill());
  return worker;
}

/** As `temporal worker deployment set-current-version` does; the server knows a version once it polls. */
async function makeCurrent({ temporal }: World, deploymentName: string, buildId: string): Promise<void> {
  const { namespace, client } = temporal;
  await vi.waitFor(
    () =>
      client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName,
        buildId,
        identity: 'test',
      }),
    UNTIL,
  );
}

/** The versions that completed the step's workflow tasks, in their order. */
async function versionsOf({ temporal }: World, { workflowId }: StepView): Promise<unknown[]> {
  const { events } = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const buildIds = (events ?? []).flatMap(
    (event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? [],
  );
  return [...new Set(buildIds)];
}
