import type { InjectedSinks } from '@temporalio/worker';
import type { ResumedStep, StepLogSinks } from '../contracts/step-log.ts';
import { REQUEST_MEMO } from '../contracts/step-memo.ts';
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
        fn: ({ memo }, step) =>
          logger.info({ event: 'step.paused', ...step, ...requestOf(memo) }, 'step.paused'),
      },
      resumed: {
        callDuringReplay: false,
        fn({ memo }, step) {
          logger.info({ event: 'step.resumed', ...step, ...requestOf(memo) }, 'step.resumed');
          resumed(step);
        },
      },
    },
  };
}

/** The id of the HTTP request that started the step. Any client may have written any value. */
function requestOf(memo: Record<string, unknown> | undefined): { requestId?: string } {
  const requestId = memo?.[REQUEST_MEMO];
  return typeof requestId === 'string' ? { requestId } : {};
}
