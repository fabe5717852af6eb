import type { StepView } from '../../src/contracts/step.ts';
import type { World } from '../support/world.ts';

/** All that Temporal keeps of a step's run, as text, with its payloads in clear. */
export async function historyText(world: World, { workflowId }: StepView): Promise<string> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return JSON.stringify(events).replaceAll(/"data":"([A-Za-z0-9+/=]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
}
