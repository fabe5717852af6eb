import type { InjectedSinks } from '@temporalio/worker';
import type { ResumedStep, StepLogSinks } from '../contracts/step-log.ts';
import type { Logger } from './logger.ts';

/**
 * Logs what steps wait for. A sink adds no event to the history and is not called on replay. A workflow task that is
 * repeated after its worker died logs again. A worker without this sink runs the same steps.
 *
 * @param resumed called for each step that goes on after a pause
 */
export function createStepLogSinks(
  logger: Logger,
  resumed: (step: ResumedStep) => void = () => {},
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
          logger.info({ event: 'step.resumed', ...step }, 'step.resumed');
          resumed(step);
        },
      },
    },
  };
}
