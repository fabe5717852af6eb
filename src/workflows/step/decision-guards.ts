import { UNDECODABLE, unreadable } from '../../contracts/lenient-payload-converter.ts';
import {
  type Check,
  type Fields,
  fieldProblems,
  messageOf,
  mustBeObject,
  mustBeOneOf,
} from './field-problems.ts';
import { isAbsent, isObject } from './json-guards.ts';

/** What is wrong with a message that any client may have sent under an update's name; undefined: nothing. */
export type MessageCheck = (message: unknown) => string | undefined;

const mustBeReason: Check = (reason) =>
  typeof reason === 'string' && reason.length <= 2048
    ? undefined
    : 'must be a text of at most 2048 characters';
const mustBeList: Check = (value) => (Array.isArray(value) ? undefined : 'must be a list');

const APPROVAL: Fields = { optional: { arguments: mustBeObject } };
const REJECTION: Fields = { optional: { reason: mustBeReason } };
const RESOLUTION: Fields = {
  required: { action: mustBeOneOf(['retry', 'succeed', 'fail']) },
  optional: { result: mustBeObject },
};
const RESULT: Fields = { optional: { content: mustBeList, structuredContent: mustBeObject } };

export const checkApproval: MessageCheck = (message) =>
  isAbsent(message) ? undefined : check(message, APPROVAL);

export const checkRejection: MessageCheck = (message) =>
  isAbsent(message) ? undefined : check(message, REJECTION);

export const checkResolution: MessageCheck = (message) => {
  const problem = check(message, RESOLUTION);
  if (problem !== undefined || !isObject(message) || isAbsent(message.result)) return problem;
  if (message.action !== 'succeed') return 'result only goes with succeed';
  return check(message.result, RESULT, 'result.');
};

function check(message: unknown, fields: Fields, path = ''): string | undefined {
  if (message === UNDECODABLE) return unreadable('message');
  if (!isObject(message)) return 'the message must be an object that nests at most 100 levels deep';
  const problems = fieldProblems(message, fields, path);
  return problems.length > 0 ? messageOf(problems) : undefined;
}
