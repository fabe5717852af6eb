import { CancellationScope, getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow';
import { type StepNotice, stepNotice } from '../../contracts/messages.ts';
import { present } from '../../contracts/present.ts';
import type { Pause } from './recorded.ts';

interface Child {
  notifyParent?: boolean;
  stepId: string;
}

/**
 * Tells the workflow that started the step what has happened, if the step was asked to. A notice that does not arrive,
 * because the parent has ended, changes nothing for the step.
 */
export function tellParent({ notifyParent, stepId }: Child, notice: StepNotice): void {
  const { parent } = workflowInfo();
  if (notifyParent !== true || parent === undefined) return;
  // No run id: the parent may have continued as new. Not cancellable: a withdrawn step tells it after its scope is
  // cancelled.
  void CancellationScope.nonCancellable(() =>
    getExternalWorkflowHandle(parent.workflowId).signal(stepNotice(stepId), notice),
  ).catch(() => undefined);
}

export function tellParentOfPause(step: Child, pause: Pause): void {
  const { awaitingInputReason, connectUrl, connectionReason, requiredScopes } = pause;
  const members = present({ connectUrl, connectionReason, requiredScopes });
  tellParent(step, { event: 'paused', awaitingInputReason, ...members });
}
