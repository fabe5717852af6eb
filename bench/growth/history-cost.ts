import type { Client } from '@temporalio/client';
import type { HistoryCost } from '../report/growth-figures.ts';

/** What Temporal has stored for one workflow, and how often it has changed its state. */
export async function historyCostOf(client: Client, workflowId: string): Promise<HistoryCost> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const { historyLength, historySizeBytes, stateTransitionCount } = raw.workflowExecutionInfo ?? {};
  return {
    events: Number(historyLength ?? 0),
    bytes: Number(historySizeBytes ?? 0),
    stateTransitions: Number(stateTransitionCount ?? 0),
  };
}
