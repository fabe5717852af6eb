import { CancellationScope, condition, defineSignal, isCancellation, setHandler } from '@temporalio/workflow';
import { runMcpStep } from 'latchkey/workflow';

export * from 'latchkey/workflow';

/** Runs a step in a scope of its own, which the signal `cancelScope` cancels. Returns its status. */
export async function runInScope(input, options) {
  const scope = new CancellationScope();
  let cancelled = false;
  setHandler(defineSignal('cancelScope'), () => {
    cancelled = true;
  });
  void condition(() => cancelled).then(() => scope.cancel());
  try {
    const { status } = await scope.run(() => runMcpStep(input, options));
    return status;
  } catch (error) {
    if (isCancellation(error)) return 'cancelled';
    throw error;
  }
}
