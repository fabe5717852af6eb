import type { McpStepResult, ToolAnnotations } from '../../contracts/step.ts';
import { awaitDecision } from './await-decision.ts';
import type { Decision } from './decisions.ts';
import { describeTool } from './describe-tool.ts';
import type { Step } from './step.ts';
import { fail, skip } from './step-outcome.ts';
import { untilAnswered } from './until-answered.ts';

/** Asks for approval where the mode wants it. Undefined: go on; otherwise the step's end. */
export async function askForApproval(step: Step): Promise<McpStepResult | undefined> {
  const { mode } = step.plan;
  if (mode === 'fully-automated' || step.progress.approved !== undefined) return undefined;
  // It waits already, in the run before this one.
  if (step.progress.approval !== undefined) return awaitApproval(step, step.progress.approval.annotations);
  if (mode === 'automated-with-confirmation') return awaitApproval(step, undefined);
  // Only what a trusted server calls read-only goes unasked.
  const described = await untilAnswered(step, () => describeTool(step));
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
  return actOn(step, decision);
}

function actOn({ record, progress }: Step, decision: Decision | undefined): McpStepResult | undefined {
  switch (decision?.kind) {
    case 'approved':
      progress.approved = decision.arguments ? { editedArguments: decision.arguments } : {};
      record.resume();
      return undefined;
    case 'rejected':
      return skip(decision.reason);
    default:
      return fail('approval-timed-out', 'nobody approved in time');
  }
}
