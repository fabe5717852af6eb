import type { StepClient } from './step-client.ts';

/**
 * Notes a change of the user's for every operation that may have changed a step, also where it failed: a decision that
 * no worker answered in time may still apply. `resolveMany` is left out, because the steps that it resolves note their
 * own changes.
 */
export function noteStepChanges(steps: StepClient, note: (userId: string) => void): StepClient {
  return {
    ...steps,
    start: noting(steps.start, note),
    cancel: noting(steps.cancel, note),
    approve: noting(steps.approve, note),
    reject: noting(steps.reject, note),
    resolve: noting(steps.resolve, note),
  };
}

function noting<I extends { userId: string }, More extends unknown[], O>(
  operation: (input: I, ...more: More) => Promise<O>,
  note: (userId: string) => void,
): (input: I, ...more: More) => Promise<O> {
  return (input, ...more) => operation(input, ...more).finally(() => note(input.userId));
}
