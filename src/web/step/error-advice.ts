import type { StepErrorCode, StepView, TimelineEntry } from '../../contracts/step.ts';
import { textIn } from './timeline-entry.ts';

export interface ErrorAdvice {
  /** What happened, as a heading. */
  heading: string;
  /** What to do next. */
  advice: string;
  /** Where the button leads. Absent: a new step would end the same way. */
  action?: 'start-again' | 'other-tool' | 'connect';
}

const ERROR_ADVICE: Readonly<Record<StepErrorCode, ErrorAdvice>> = {
  'tool-error': {
    heading: 'The tool reported an error',
    advice: 'What it says is below. Correct what it names, then start a new step.',
    action: 'start-again',
  },
  'unknown-tool': {
    heading: 'The server has no such tool',
    advice: 'It was renamed or removed, or this account may not use it. Look at what the server offers now.',
    action: 'other-tool',
  },
  'invalid-arguments': {
    heading: 'The arguments don’t fit the tool',
    advice: 'Start a new step with arguments that the tool accepts.',
    action: 'start-again',
  },
  forbidden: {
    heading: 'The server refused the call',
    advice:
      'This account may not do that there. Ask the people who run the server for permission, or use another account.',
    action: 'start-again',
  },
  'server-unavailable': {
    heading: 'The server could not be reached in time',
    advice: 'Latchkey tried again and again until the time limit. Start a new step when the server is back.',
    action: 'start-again',
  },
  'protocol-error': {
    heading: 'The server’s answer could not be used',
    advice:
      'The call was answered in a way that the protocol doesn’t allow. The tool may have run. Tell the people who run the server.',
  },
  'result-too-large': {
    heading: 'The result was too large',
    advice: 'The tool has run, but its result is over the limit of this server. Ask for less at once.',
    action: 'start-again',
  },
  'reauth-timed-out': {
    heading: 'The account was not connected in time',
    advice: 'Nothing was called. Connect the account, then start a new step.',
    action: 'connect',
  },
  'approval-timed-out': {
    heading: 'It was not approved in time',
    advice: 'Nothing was called. Start a new step if it is still needed.',
    action: 'start-again',
  },
  'outcome-unknown': {
    heading: 'It is not known whether the tool ran',
    advice: 'Look at the server whether it happened, before you start a new step: it could happen twice.',
    action: 'start-again',
  },
  misconfigured: {
    heading: 'The server is not set up correctly',
    advice: 'Only the people who run this service can correct that. Tell them what is written here.',
  },
};

const LISTING_ADVICE: ErrorAdvice = {
  heading: 'Not all tools could be listed',
  advice: 'The program that asked for them knows which. Nothing was called.',
};

const LOST_ADVICE =
  'A call was sent before, and its answer was lost: look at the server whether it happened. Connect the account, then start it again if it is still needed.';

/** Returns the advice for a step that failed. What its timeline knows better than the code of its error comes first. */
export function adviceFor({
  kind,
  error,
  timeline,
}: Pick<StepView, 'kind' | 'error' | 'timeline'>): ErrorAdvice {
  if (kind === 'listing') return LISTING_ADVICE;
  // A workflow that was ended by force, or by another program, has no error of ours.
  if (error === undefined || !Object.hasOwn(ERROR_ADVICE, error.code)) {
    return { heading: 'It failed', advice: 'No reason is known.', action: 'start-again' };
  }
  const advice = ERROR_ADVICE[error.code];
  const isLost = timeline.some(({ event }) => event === 'answer-lost');
  return error.code === 'reauth-timed-out' && isLost ? { ...advice, advice: LOST_ADVICE } : advice;
}

/** The decision of a person that a step with an unknown outcome failed. */
export function decidedFailure({
  error,
  timeline,
}: Pick<StepView, 'error' | 'timeline'>): TimelineEntry | undefined {
  if (error?.code !== 'outcome-unknown') return undefined;
  const resolved = timeline.findLast(({ event }) => event === 'resolved' || event === 'awaiting-input');
  return resolved?.event === 'resolved' && textIn(resolved, 'action') === 'fail' ? resolved : undefined;
}
