import type { StepView } from '../../src/contracts/step.ts';
import type { World } from '../support/world.ts';

/** The id of the workflow that delivers the step's first change, which is to the status `to`. */
export async function deliveryOfFirstChange(
  { temporal }: World,
  step: StepView,
  to: string,
): Promise<string> {
  const { runId } = await temporal.client.workflow.getHandle(step.workflowId).describe();
  return `webhook/step_${runId}_1_${to}`;
}

export async function historyLength({ temporal }: World, step: StepView): Promise<number> {
  const { events } = await temporal.client.workflow.getHandle(step.workflowId).fetchHistory();
  return events?.length ?? 0;
}
