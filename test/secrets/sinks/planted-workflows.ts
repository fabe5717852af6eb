import { ApplicationFailure, condition, setCurrentDetails } from '@temporalio/workflow';

/** Shows these to whoever looks at it in Temporal's UI. */
export async function showDetails(texts: string[]): Promise<void> {
  setCurrentDetails(texts.join('\n'));
  await condition(() => false);
}

export async function failWith(message: string): Promise<void> {
  throw ApplicationFailure.nonRetryable(message);
}
