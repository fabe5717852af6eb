import type { AwaitingInputReason } from '../contracts/step.ts';
import type { AgentStepOutcome } from './agent-step.ts';
import { type StepReference, stepPage } from './step-reference.ts';

type Paused = Extract<AgentStepOutcome, { kind: 'paused' }>;

const MISSING: Record<AwaitingInputReason, string> = {
  'needs-oauth-reauth': 'The user has to connect their account first.',
  'needs-oauth-scope': 'The user has to allow more access first.',
  'needs-approval': 'A person has to approve this call first.',
  'outcome-unknown':
    'The call was sent and not answered. The tool may or may not have run, and a person has to find out.',
};

/** Returns the words that tell the model what a paused step waits for, where that can be done, and what to do then. */
export function pauseText({ pause, isKept }: Paused, reference: StepReference): string {
  const { awaitingInputReason: reason, connectUrl, requiredScopes } = pause;
  const link = connectUrl ?? (isKept ? stepPage(reference) : undefined);
  return [
    `Not done (${reason}). ${MISSING[reason]}`,
    requiredScopes && `The access that is missing: ${requiredScopes.join(' ')}.`,
    link && `Give the user this link: ${link}`,
    (isKept ? KEPT : CANCELLED)[reason],
  ]
    .filter(Boolean)
    .join(' ');
}

const RUNS_BY_ITSELF =
  'The call is kept and will be made by itself when that is done. Do not make another one for the same purpose; the same call with the same arguments returns its result.';

const KEPT: Record<AwaitingInputReason, string> = {
  'needs-oauth-reauth': RUNS_BY_ITSELF,
  'needs-oauth-scope': RUNS_BY_ITSELF,
  'needs-approval': RUNS_BY_ITSELF,
  'outcome-unknown':
    'It is not made again by itself. Do not make another one for the same purpose; the same call with the same arguments returns what the person decides.',
};

const AGAIN = 'The call was not made. Make it again when the user says that it is done.';

const CANCELLED: Record<AwaitingInputReason, string> = {
  'needs-oauth-reauth': AGAIN,
  'needs-oauth-scope': AGAIN,
  'needs-approval': 'The call was not made, and it is too late to approve it. Ask the user how to go on.',
  'outcome-unknown': 'Do not make the call again before it is known whether the tool has run.',
};
