/**
 * The checks of a decision. Any client in the namespace may send any value in an update, so these take `unknown`. A
 * check returns the problem or undefined; a function named `refuse…` throws the failure that the client receives.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import { roundedNumbersOf } from '../../contracts/exact-payload-converter.ts';
import { UNDECODABLE, unreadable } from '../../contracts/lenient-payload-converter.ts';
import { type AboutPause, REFUSED } from '../../contracts/messages.ts';
import { describeNumbers } from '../../contracts/number-problems.ts';
import type { AwaitingInputReason } from '../../contracts/step.ts';
import {
  type Check,
  type Fields,
  fieldProblems,
  isAbsent,
  isEncodableObject,
  messageOf,
  mustBeObject,
  mustBeOneOf,
} from './field-problems.ts';
import type { RefusedEdit, StepProgress } from './step-progress.ts';
import type { StepRecord } from './step-record.ts';

export type MessageCheck = (message: unknown) => string | undefined;

/** Refused edits of one step within a minute: by one person, and by all people together. */
const MAX_REFUSED_EDITS = { byOne: 30, byAll: 120 };
const MINUTE_MS = 60_000;

const mustBeReason: Check = (reason) =>
  typeof reason === 'string' && reason.length <= 2048
    ? undefined
    : 'must be a text of at most 2048 characters';
const mustBePause: Check = (pause) =>
  typeof pause === 'string' && pause.length <= 64 ? undefined : 'must be a text of at most 64 characters';
const mustBeList: Check = (value) => (Array.isArray(value) ? undefined : 'must be a list');

const APPROVAL: Fields = { optional: { arguments: mustBeObject, pause: mustBePause } };
const REJECTION: Fields = { optional: { reason: mustBeReason, pause: mustBePause } };
const RESOLUTION: Fields = {
  required: { action: mustBeOneOf(['retry', 'succeed', 'fail']) },
  optional: { result: mustBeObject, pause: mustBePause },
};
const RESULT: Fields = { optional: { content: mustBeList, structuredContent: mustBeObject } };

export const checkApproval: MessageCheck = (message) =>
  isAbsent(message) ? undefined : check(message, APPROVAL);

export const checkRejection: MessageCheck = (message) =>
  isAbsent(message) ? undefined : check(message, REJECTION);

export const checkResolution: MessageCheck = (message) => {
  const problem = check(message, RESOLUTION);
  if (problem !== undefined || !isEncodableObject(message) || isAbsent(message.result)) return problem;
  if (message.action !== 'succeed') return 'result only goes with succeed';
  return check(message.result, RESULT, 'result.');
};

function check(message: unknown, fields: Fields, path = ''): string | undefined {
  if (message === UNDECODABLE) return unreadable('message');
  if (!isEncodableObject(message)) return 'the message must be an object that nests at most 100 levels deep';
  const problems = fieldProblems(message, fields, path);
  return problems.length > 0 ? messageOf(problems) : undefined;
}

/** A step, and the decision that was made about it and that it has not acted on yet. */
interface DecidedStep {
  record: StepRecord;
  made: unknown;
}

/** Refuses a message that its check finds a problem in, and a decision that the step does not wait for. */
export function refuseUnfit<M extends AboutPause>(
  awaited: AwaitingInputReason,
  step: DecidedStep,
  { message, check }: { message: M | undefined; check: MessageCheck },
): void {
  const problem = check(message);
  if (problem !== undefined) throw refusal(REFUSED.invalid, problem);
  refuseUnlessAwaited(awaited, step, message);
}

/**
 * Refuses a decision that the step does not wait for, a second one, and one about another pause: a step may ask the same
 * question twice, and the person has seen one of the two.
 */
export function refuseUnlessAwaited(
  awaited: AwaitingInputReason,
  { record, made }: DecidedStep,
  message: AboutPause | undefined,
): void {
  if (record.awaits() !== awaited || made !== undefined) {
    throw refusal(REFUSED.notWaiting, `the step does not wait for that: ${awaited}`);
  }
  const { pause } = message ?? {};
  if (isAbsent(pause) || pause === record.lastPause()) return;
  throw refusal(REFUSED.notWaiting, `the decision is about another pause: ${awaited}`);
}

/** Refuses rounded numbers. For validators only, which don't run again on replay: histories may hold such messages. */
export function refuseInexactNumbers(message: unknown): void {
  const rounded = roundedNumbersOf(message);
  if (rounded.length > 0) throw refusal(REFUSED.invalid, describeNumbers(rounded));
}

/**
 * Counts a refused edit. Each one costs an activity and an update, of which the server accepts 2,000 a run. Beyond
 * the limit a validator refuses edits, which costs neither.
 */
export function noteRefusedEdit(progress: StepProgress, by: string): void {
  progress.refusedEdits = [...recentlyRefused(progress), { by, at: Date.now() }];
}

export function refuseTooManyEdits(progress: StepProgress, by: string): void {
  const all = recentlyRefused(progress);
  const own = all.filter((refused) => refused.by === by);
  const first =
    (own.length >= MAX_REFUSED_EDITS.byOne && own[0]) || (all.length >= MAX_REFUSED_EDITS.byAll && all[0]);
  if (!first) return;
  const retryAfterMs = first.at + MINUTE_MS - Date.now();
  throw refusal(REFUSED.tooMany, 'too many edits of this step were refused', retryAfterMs);
}

function recentlyRefused({ refusedEdits = [] }: StepProgress): RefusedEdit[] {
  return refusedEdits.filter(({ at }) => at > Date.now() - MINUTE_MS);
}

export function refusal(type: string, message: string, ...details: unknown[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type, ...details);
}
