import type { Client } from '@temporalio/client';
import type { HistoryCost } from '../report/growth-figures.ts';

/** What Temporal has stored for one workflow, and how often it has changed its state. @throws if it does not say so */
export async function historyCostOf(client: Client, workflowId: string): Promise<HistoryCost> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const { historyLength, historySizeBytes, stateTransitionCount } = raw.workflowExecutionInfo ?? {};
  return {
    events: reported(historyLength),
    bytes: reported(historySizeBytes),
    stateTransitions: reported(stateTransitionCount),
  };
}

function reported(figure: unknown): number {
  const number = Number(figure);
  if (!(number > 0)) throw new Error('Temporal does not report the cost of a history');
  return number;
}
