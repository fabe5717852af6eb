import { DEFAULT_ACCOUNT } from '../contracts/accounts.ts';
import type { AwaitingInputReason, StepMode, StepStatus } from '../contracts/step.ts';

/** What a step's status is called on pages. */
export const STATUS_WORDS: Readonly<Record<StepStatus, string>> = {
  running: 'Running',
  'awaiting-input': 'Waiting for you',
  success: 'Succeeded',
  error: 'Failed',
  // A step is skipped by a person who rejects it, and in no other way.
  skipped: 'Rejected',
  cancelled: 'Cancelled',
};

/** What a paused step waits for, as a heading. */
export const REASON_WORDS: Readonly<Record<AwaitingInputReason, string>> = {
  'needs-oauth-reauth': 'Needs a connection',
  'needs-oauth-scope': 'Needs more access',
  'needs-approval': 'Needs your approval',
  'outcome-unknown': 'Outcome unknown',
};

/** What a step's mode means for its user. */
export const MODE_WORDS: Readonly<Record<StepMode, string>> = {
  'fully-automated': 'Runs without asking',
  'automated-with-confirmation': 'Asks before it calls',
  'confirm-destructive': 'Asks before it changes anything',
};

/** What a step is called: its title, or its tool. */
export function stepName({ title, tool, stepId }: { title?: string; tool: string; stepId: string }): string {
  return title ?? (tool === '' ? stepId : tool);
}

/** What an account is called in a sentence or a list. */
export function accountWords({ account, label }: { account: string; label?: string | undefined }): string {
  if (label === undefined) return account === DEFAULT_ACCOUNT ? 'Your account' : account;
  return account === DEFAULT_ACCOUNT ? label : `${label} (${account})`;
}

/** `1 step`, `2 steps`. */
export function countOf(count: string | number, noun: string): string {
  return `${count} ${noun}${String(count) === '1' ? '' : 's'}`;
}
