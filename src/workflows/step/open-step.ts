import { CancellationScope, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import { stepArguments, step as stepQuery } from '../../contracts/messages.ts';
import type { McpStepInput, McpStepResult } from '../../contracts/step.ts';
import { acceptDecisions } from './decisions.ts';
import { acceptRestorations, CredentialWatch, hearDeposits, ServerWatch } from './signals.ts';
import { fail, type Step } from './step.ts';
import { parseStepInput, planForBadInput, roundedNumbersProblem } from './step-input.ts';
import { type CarriedStep, forgetConsents, type StepProgress } from './step-progress.ts';
import { StepRecord } from './step-record.ts';

const ID_SAYS_WHOSE = 'workflow-id-says-whose-step';
/** Older workers refused the field `account`. */
const ACCOUNTS = 'input-may-name-an-account';
const LISTS_TELL_CREATION = 'lists-tell-the-creation-of-continued-steps';

export type OpenedStep =
  | { kind: 'open'; step: Step }
  | { kind: 'bad-input'; record: StepRecord; result: McpStepResult };

/**
 * Begins a run: checks the input, restores what a previous run carried over, and registers query, signals and
 * updates.
 */
export function openStep(input: McpStepInput, carriedOver: CarriedStep | undefined): OpenedStep {
  const { workflowId } = workflowInfo();
  const carried = carriedIn(carriedOver);
  // A step of an older version keeps the id that it was started under.
  const isIdBinding = () => carried === undefined && patched(ID_SAYS_WHOSE);
  const mayNameAccount = () => carried !== undefined || patched(ACCOUNTS);
  const parsed = parseStepInput(input, workflowId, { isIdBinding, mayNameAccount });
  const plan = parsed.ok ? parsed.plan : planForBadInput(input, workflowId);
  const record = new StepRecord(plan, carried?.record);
  if (carried === undefined && wasReset()) record.noteReset();
  setHandler(stepQuery, () => record.view());
  if (!parsed.ok) return badInput(record, parsed.message);
  const rounded = carried === undefined ? roundedNumbersProblem(input) : undefined;
  if (rounded !== undefined) return badInput(record, rounded);

  void CancellationScope.current().cancelRequested.catch(() => record.cancelling());
  if (carried !== undefined && patched(LISTS_TELL_CREATION)) record.writeCreation();
  const progress: StepProgress = carried?.progress ?? {};
  setHandler(stepArguments, () => progress.approved?.editedArguments ?? plan.arguments);
  const credential = new CredentialWatch(plan);
  hearDeposits([credential]);
  const server = new ServerWatch(plan);
  const decisions = acceptDecisions({ plan, record, progress });
  acceptRestorations({
    record,
    credentials: [credential],
    onHistory: () => {
      progress.lost ??= 'history-restored';
    },
    onCredentials: () => forgetConsents(progress),
  });
  return { kind: 'open', step: { input, plan, record, credential, server, decisions, progress } };
}

function badInput(record: StepRecord, message: string): OpenedStep {
  return { kind: 'bad-input', record, result: fail('invalid-arguments', message) };
}

/**
 * Returns the second argument of a run if its previous run has passed it. A client may send any value in it, also to a
 * run that follows another by cron or retry.
 */
export function carriedIn<Carried>(carriedOver: Carried | undefined): Carried | undefined {
  const { continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  const isContinued =
    continuedFromExecutionRunId !== undefined && cronSchedule === undefined && attempt === 1;
  return isContinued ? carriedOver : undefined;
}

// A run with another first run is a reset one, unless it follows a run by continue-as-new, cron or retry.
function wasReset(): boolean {
  const { runId, firstExecutionRunId, continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  const followsNone =
    continuedFromExecutionRunId === undefined && cronSchedule === undefined && attempt === 1;
  return followsNone && runId !== firstExecutionRunId;
}
