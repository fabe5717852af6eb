import { setTimeout as delay } from 'node:timers/promises';
import { hasEnded, type StepView } from '../contracts/step.ts';
import { isOutage, type LatchkeyApiError } from './api-request.ts';
import type { StepsApi } from './steps-api.ts';

export interface FollowOptions {
  signal: AbortSignal;
  /** The step as it is known. Default: it is asked for first. */
  from?: StepView | undefined;
  /** Called once when the API has stopped answering. It is asked again. */
  onOutage?: (error: LatchkeyApiError) => void;
  /** How long the API may be away before its error is thrown. Default: 5 min */
  patienceMs?: number;
}

const PATIENCE_MS = 5 * 60_000;
const MAX_RETRY_MS = 10_000;

/**
 * Yields a step as it is, and again whenever its status or what it waits for has changed, until it has ended.
 *
 * @throws LatchkeyApiError, or an abort of `signal`
 */
export async function* followStep(
  api: Pick<StepsApi, 'show' | 'afterChange'>,
  stepId: string,
  options: FollowOptions,
): AsyncGenerator<StepView> {
  const ask = createPatience(options);
  let step = options.from ?? (await ask(() => api.show(stepId)));
  yield step;
  while (!hasEnded(step)) {
    const next = await ask(() => api.afterChange(stepId, options.signal));
    if (stageOf(next) !== stageOf(step)) yield next;
    step = next;
  }
}

/** Differs between two pauses, even if they wait for the same. */
function stageOf({ status, awaitingInputReason, connectUrl, timeline }: StepView): string {
  const pause = timeline.findLast(({ event }) => event === 'awaiting-input')?.at;
  return JSON.stringify(status === 'awaiting-input' ? [awaitingInputReason, connectUrl, pause] : [status]);
}

/** Asks again, with growing delays, while the API is away for not longer than the patience. */
function createPatience({ signal, onOutage, patienceMs = PATIENCE_MS }: FollowOptions) {
  return async <T>(request: () => Promise<T>): Promise<T> => {
    const since = performance.now();
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      try {
        return await request();
      } catch (error) {
        if (!isOutage(error) || (tries > 0 && performance.now() - since > patienceMs)) throw error;
        if (tries === 0) onOutage?.(error);
      }
      await delay(Math.min(500 * 2 ** tries, MAX_RETRY_MS), undefined, { signal });
    }
  };
}
