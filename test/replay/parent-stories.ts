import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { withdraw } from '../../src/contracts/messages.ts';
import { uniqueTaskQueue } from '../support/temporal.ts';
import { completed, reauthRequired, seen } from '../workflows/outcomes.ts';
import { held, type Script } from '../workflows/scripted-activities.ts';
import { INPUT, type ScriptedStep, type ScriptedSteps } from '../workflows/scripted-steps.ts';
import type { Story } from './stories.ts';

const WORKFLOWS = fileURLToPath(new URL('parent-workflow.ts', import.meta.url));

/** Steps whose parent takes them back. */
export const PARENT_STORIES: Record<string, Story> = {
  'withdrawn-in-pause': async (steps) => {
    const step = await startChild(steps, { invokeTool: [reauthRequired(seen(1))] });
    await step.until('awaiting-input');
    await step.handle.signal(withdraw);
    await step.closed();
    return step;
  },
  'not-withdrawn-in-call': async (steps) => {
    const calling = held(completed);
    const step = await startChild(steps, { invokeTool: [calling] });
    await calling.reached;
    await step.handle.signal(withdraw);
    calling.release();
    return step;
  },
};

/** The step of a parent of parent-workflow.ts. The worker of the parent ends with `steps`. */
export async function startChild(
  steps: ScriptedSteps,
  script: Script,
  parent: 'parent' | 'deafParent' = 'parent',
): Promise<ScriptedStep> {
  const stepId = randomUUID();
  const step = steps.expect(script, `step/${INPUT.userId}/${stepId}`);
  const logger = new DefaultLogger('ERROR', () => {});
  const taskQueue = uniqueTaskQueue('parents');
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger });
  await steps.startWorker({ only: 'workflows', taskQueue, workflowBundle });
  await steps.client.workflow.start(parent, {
    taskQueue,
    workflowId: `parent-${stepId}`,
    args: [{ ...INPUT, stepId }, steps.taskQueue],
  });
  return step;
}
