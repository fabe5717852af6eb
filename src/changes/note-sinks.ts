import type { InjectedSinks } from '@temporalio/worker';
import type { StepLogSinks } from '../contracts/step-log.ts';
import type { LatchkeySinks } from '../contracts/webhooks.ts';
import type { ChangeNotes } from './change-notes.ts';

type StepSinks = LatchkeySinks & StepLogSinks;

/**
 * Notes what steps tell their sinks, for the pages that their users have open, and then does what the sinks do. A step
 * announces its pauses and its end; that it goes on is only logged.
 */
export function noteSinks(
  { webhooks, stepLog }: InjectedSinks<StepSinks>,
  { note }: Pick<ChangeNotes, 'note'>,
): InjectedSinks<StepSinks> {
  const { stepChanged } = webhooks;
  const { resumed } = stepLog;
  return {
    webhooks: {
      stepChanged: {
        ...stepChanged,
        fn(workflow, change) {
          note(change.data.userId);
          return stepChanged.fn(workflow, change);
        },
      },
    },
    stepLog: {
      ...stepLog,
      resumed: {
        ...resumed,
        fn(workflow, step) {
          note(step.userId);
          return resumed.fn(workflow, step);
        },
      },
    },
  };
}
