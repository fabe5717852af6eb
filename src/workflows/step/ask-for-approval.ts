import type { McpStepResult, ToolAnnotations } from '../../contracts/step.ts';
import type { Describe } from './attempts.ts';
import type { Decision } from './decisions.ts';
import { awaitDecision } from './pauses.ts';
import { fail, type Step, skip } from './step.ts';

/** Returns whether the mode may require an approval that the step does not have. */
export function needsApproval({ plan, progress }: Step): boolean {
  return plan.mode !== 'fully-automated' && progress.approved === undefined;
}

/** Pauses for approval if the mode and the tool require it. Returns undefined to continue, or the step's result. */
export async function askForApproval(step: Step, describe: Describe): Promise<McpStepResult | undefined> {
  const { mode } = step.plan;
  // The previous run was paused for it.
  if (step.progress.approval !== undefined) return awaitApproval(step, step.progress.approval.annotations);
  if (mode === 'automated-with-confirmation') return awaitApproval(step, undefined);
  // `confirm-destructive`: only a tool that a trusted server describes as read-only needs no approval.
  const described = await describe();
  if (described.kind === 'ended') return described.result;
  return described.annotations?.readOnlyHint === true
    ? undefined
    : awaitApproval(step, described.annotations);
}

async function awaitApproval(
  step: Step,
  annotations: ToolAnnotations | undefined,
): Promise<McpStepResult | undefined> {
  const { progress, plan } = step;
  const { timeoutsMs, arguments: args } = plan;
  progress.approval ??= {
    deadline: Date.now() + timeoutsMs.approval,
    ...(annotations && { annotations }),
  };
  const pending = { arguments: args, ...(annotations && { annotations }) };
  const pause = { awaitingInputReason: 'needs-approval', pending } as const;
  const decision = await awaitDecision(step, pause, progress.approval.deadline);
  delete progress.approval;
  return applyDecision(step, decision);
}

function applyDecision(
  { record, progress }: Step,
  decision: Decision | undefined,
): McpStepResult | undefined {
  switch (decision?.kind) {
    case 'approved':
      progress.approved = decision.arguments ? { editedArguments: decision.arguments } : {};
      record.resume();
      return undefined;
    case 'rejected':
      return skip(decision.reason);
    default:
      return fail('approval-timed-out', 'the step was not approved in time');
  }
}
