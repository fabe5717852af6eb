/**
 * A step with `notifyParent` can be taken back by its parent while it is paused. A plain cancellation could reach it
 * just after a deposit has resumed it, in the middle of its call, and it would be unknown whether the tool has run.
 * So the parent asks first: a paused step ends at once, says so, and waits for the cancellation, which Temporal's status
 * of the workflow needs. A step that runs ignores the request.
 */
import { CancellationScope, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { withdraw } from '../../contracts/messages.ts';
import { tellParent } from './parent.ts';
import type { Step } from './step.ts';

export interface Withdrawal {
  /**
   * Runs `work` until it ends.
   *
   * @throws CancelledFailure if the step is withdrawn or cancelled first
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Returns at once if the step was not withdrawn. Otherwise rejects when the parent cancels it, or returns after a
   * minute if the parent does not.
   *
   * @throws CancelledFailure
   */
  untilCancelled(): Promise<void>;
}

/** A parent that does not know of withdrawals would otherwise wait for a step that never ends. */
const CANCELLED_WITHIN = '1 minute';

/** Registers the signal, if the step has a parent that it is to notify. */
export function acceptWithdrawal({ plan, record }: Step): Withdrawal {
  // Other steps run as they did before there were withdrawals, so that their histories replay.
  if (!plan.notifyParent || workflowInfo().parent === undefined)
    return { run: (work) => work(), untilCancelled: async () => {} };
  const scope = new CancellationScope();
  let isWithdrawn = false;
  setHandler(withdraw, () => {
    if (record.awaits() === undefined) return;
    isWithdrawn = true;
    scope.cancel();
  });
  return {
    run: (work) => scope.run(work),
    async untilCancelled() {
      if (!isWithdrawn) return;
      tellParent(plan, { event: 'withdrawn' });
      await sleep(CANCELLED_WITHIN);
    },
  };
}
