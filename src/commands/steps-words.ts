import type { StepStatus, StepView } from '../contracts/step.ts';
import { stepUrl } from '../contracts/urls.ts';
import { CONNECTION_REASON_WORDS } from '../web/connection-reasons.ts';
import { REASON_WORDS, STATUS_WORDS } from '../web/step-words.ts';
import type { Colors } from './colors.ts';
import { nameOf } from './connections-report.ts';
import { printable } from './table.ts';

/** The exit code of a command that follows a step, by the step's status. 1 and 2 have the meaning of all commands. */
export const STATUS_EXIT_CODES: Readonly<Record<StepStatus, number>> = {
  success: 0,
  error: 3,
  skipped: 4,
  cancelled: 5,
  'awaiting-input': 6,
  running: 7,
};

/** Colours a status, or a text about it. */
export function paintStatus(colors: Colors, status: string, text = status): string {
  switch (status) {
    case 'success':
      return colors.green(text);
    case 'error':
      return colors.red(text);
    case 'awaiting-input':
      return colors.yellow(text);
    case 'running':
      return colors.cyan(text);
    case 'skipped':
    case 'cancelled':
      return colors.dim(text);
    default:
      return text;
  }
}

/** Says in one line how a step stands, without the pause: see `pauseLines`. */
export function statusLine({ status, error }: Pick<StepView, 'status' | 'error'>): string {
  const words = STATUS_WORDS[status];
  return error === undefined ? words : `${words}: ${printable(error.message)} (${error.code})`;
}

/** Says what a paused step waits for, and where or how to end the pause. Empty for a step that is not paused. */
export function pauseLines(step: StepView, apiUrl: string): string[] {
  if (step.status !== 'awaiting-input' || step.awaitingInputReason === undefined) return [];
  const reason = `${REASON_WORDS[step.awaitingInputReason]} (${step.awaitingInputReason})`;
  switch (step.awaitingInputReason) {
    case 'needs-oauth-reauth':
    case 'needs-oauth-scope':
      return [reason, ...(step.connections ?? [step]).flatMap(connectLines)];
    case 'needs-approval':
      return [reason, ...decideLines(step, apiUrl, [`approve ${step.stepId}`, `reject ${step.stepId}`])];
    case 'outcome-unknown':
      return [
        reason,
        'The call was sent and no answer came: look at the server whether it happened.',
        ...decideLines(step, apiUrl, [`resolve ${step.stepId} retry|succeed|fail`]),
      ];
    default:
      return step.awaitingInputReason satisfies never;
  }
}

type Awaited = Pick<
  StepView,
  'mcpServerId' | 'account' | 'connectUrl' | 'connectionReason' | 'requiredScopes'
>;

function connectLines(awaited: Awaited): string[] {
  const { connectionReason: why, requiredScopes = [], connectUrl } = awaited;
  return [
    ...(why === undefined || why === 'not-connected' ? [] : [CONNECTION_REASON_WORDS[why]]),
    ...(requiredScopes.length === 0 ? [] : [`Scopes: ${printable(requiredScopes.join(' '))}`]),
    `Connect ${printable(nameOf(awaited))}${connectUrl === undefined ? '' : `: ${connectUrl}`}`,
  ];
}

function decideLines({ stepId }: StepView, apiUrl: string, commands: readonly string[]): string[] {
  const page = stepUrl(apiUrl.replace(/\/+$/, ''), stepId);
  return [`Decide: ${page}`, ...commands.map((command) => `    or: latchkey steps ${command}`)];
}
