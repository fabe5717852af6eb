import { DEFAULT_TIMEOUTS_MS, type TimeoutName, timeoutProblem } from '../../contracts/durations.ts';
import type { McpStepInput, SideEffects, StepMode } from '../../contracts/step.ts';
import { isStepId } from '../../contracts/step-workflow-id.ts';
import { type Check, type Fields, fieldProblems, mustBeObject, mustBeOneOf } from './field-problems.ts';
import { isObject } from './json-guards.ts';

const MODES: readonly StepMode[] = ['fully-automated', 'automated-with-confirmation', 'confirm-destructive'];
const SIDE_EFFECTS: readonly SideEffects[] = ['auto', 'read-only', 'idempotent', 'unsafe'];
const CONTROL = /\p{Cc}/u;

// These two are like src/schemas/id.ts and text.ts, which can't be bundled: a test compares them.
const id: Check = (value) => {
  const isLongEnough = typeof value === 'string' && value !== '';
  if (!isLongEnough || value.length > 510 || [...value].length > 255) {
    return 'must be a text of 1 to 255 characters';
  }
  if (CONTROL.test(value)) return 'must not contain control characters';
  return value.isWellFormed() ? undefined : 'must be well-formed Unicode';
};
const title: Check = (value) => {
  const isLine = typeof value === 'string' && value !== '' && value.length <= 255;
  if (!isLine) return 'must be a text of 1 to 255 characters';
  return CONTROL.test(value) ? 'must not contain control characters' : undefined;
};
const stepId: Check = (value) => (isStepId(value) ? undefined : 'must be 1–128 of A–Z a–z 0–9 . _ ~ -');

const REQUIRED: Record<keyof Pick<McpStepInput, 'userId' | 'mcpServerId' | 'tool'>, Check> = {
  userId: id,
  mcpServerId: id,
  tool: id,
};

const OPTIONAL: Record<Exclude<keyof McpStepInput, keyof typeof REQUIRED>, Check> = {
  arguments: mustBeObject,
  stepId,
  title,
  mode: mustBeOneOf(MODES),
  sideEffects: mustBeOneOf(SIDE_EFFECTS),
  timeouts: mustBeObject,
};

const STEP: Fields = { required: REQUIRED, optional: OPTIONAL };
const TIMEOUTS: Fields = {
  optional: Object.fromEntries(Object.keys(DEFAULT_TIMEOUTS_MS).filter(isTimeoutName).map(withCheck)),
};

/** Every field of a step's input that is wrong. */
export function stepInputProblems(input: Record<string, unknown>): string[] {
  const { timeouts } = input;
  const ofTimeouts = isObject(timeouts) ? fieldProblems(timeouts, TIMEOUTS, 'timeouts.') : [];
  return [...fieldProblems(input, STEP), ...ofTimeouts];
}

export function isId(value: unknown): value is string {
  return id(value) === undefined;
}

export function isTimeoutName(name: string): name is TimeoutName {
  return Object.hasOwn(DEFAULT_TIMEOUTS_MS, name);
}

function withCheck(name: TimeoutName): [TimeoutName, Check] {
  return [name, (value) => timeoutProblem(name, typeof value === 'string' ? value : '')];
}
