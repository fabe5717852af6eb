import { CancellationScope, setHandler } from '@temporalio/workflow';
import { stepNotice } from '../../src/contracts/messages.ts';
import type { McpStepInput } from '../../src/contracts/step.ts';
import { runMcpStep } from '../../src/workflows/run-mcp-step.ts';

/** Runs a step that notifies it, and cancels the step when the step says that it was withdrawn. */
export async function parent(step: McpStepInput & { stepId: string }, taskQueue: string): Promise<void> {
  const scope = new CancellationScope();
  setHandler(stepNotice(step.stepId), ({ event }) => {
    if (event === 'withdrawn') scope.cancel();
  });
  await scope.run(() => runMcpStep({ ...step, notifyParent: true }, { taskQueue, searchAttributes: true }));
}

/** Runs a step that notifies it, and ignores the notices. */
export async function deafParent(step: McpStepInput & { stepId: string }, taskQueue: string): Promise<void> {
  await runMcpStep({ ...step, notifyParent: true }, { taskQueue, searchAttributes: false });
}
