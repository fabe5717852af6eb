import type { InjectedSinks } from '@temporalio/worker';
import type { StepLogSinks } from '../contracts/step-log.ts';
import type { Logger } from './logger.ts';

/**
 * Logs what steps wait for, and notes a change of the user's. A sink adds no event to the history and is not called on replay. A workflow task that is
 * repeated after its worker died logs again. A worker without this sink runs the same steps.
 */
export function createStepLogSinks(
  logger: Logger,
  changes: { note(userId: string): void },
): InjectedSinks<StepLogSinks> {
  return {
    stepLog: {
      paused: {
        callDuringReplay: false,
        fn: (_workflow, step) => logger.info({ event: 'step.paused', ...step }, 'step.paused'),
      },
      resumed: {
        callDuringReplay: false,
        fn(_workflow, step) {
          changes.note(step.userId);
          logger.info({ event: 'step.resumed', ...step }, 'step.resumed');
        },
      },
    },
  };
}
