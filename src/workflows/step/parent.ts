import { CancellationScope, getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow';
import { type StepNotice, stepNotice } from '../../contracts/messages.ts';

/**
 * Tells the workflow that started the step what has happened, if the step was asked to. A notice that does not arrive,
 * because the parent has ended, changes nothing for the step.
 */
export function tellParent(
  { notifyParent, stepId }: { notifyParent?: boolean; stepId: string },
  notice: StepNotice,
): void {
  const { parent } = workflowInfo();
  if (!notifyParent || parent === undefined) return;
  // No run id: the parent may have continued as new. Not cancellable: a withdrawn step tells it after its scope is
  // cancelled.
  void CancellationScope.nonCancellable(() =>
    getExternalWorkflowHandle(parent.workflowId).signal(stepNotice(stepId), notice),
  ).catch(() => undefined);
}
