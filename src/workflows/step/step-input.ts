/**
 * Checks what a client started the workflow with. Hand-written, because a schema library costs every cached workflow
 * memory and time. Nothing here throws: an exception would fail the workflow task again and again.
 */
import { patched } from '@temporalio/workflow';
import { accountMember, credentialKey } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import {
  DEFAULT_TIMEOUTS_MS,
  parseDuration,
  type TimeoutName,
  timeoutProblem,
} from '../../contracts/durations.ts';
import { roundedNumbersOf } from '../../contracts/exact-payload-converter.ts';
import { UNDECODABLE, unreadable } from '../../contracts/lenient-payload-converter.ts';
import { describeNumbers } from '../../contracts/number-problems.ts';
import {
  type McpStepInput,
  SIDE_EFFECTS,
  type SideEffects,
  STEP_MODES,
  type StepMode,
} from '../../contracts/step.ts';
import { isStepId, stepIdIn, workflowIdProblems } from '../../contracts/step-workflow-id.ts';
import {
  type Check,
  type Fields,
  fieldProblems,
  isEncodableObject,
  messageOf,
  mustBeObject,
  mustBeOneOf,
} from './field-problems.ts';

/** A step's input with all defaults filled in. */
export interface StepPlan {
  userId: string;
  mcpServerId: string;
  /** Absent: `default`. */
  account?: string;
  tool: string;
  arguments: Record<string, unknown>;
  stepId: string;
  title?: string;
  mode: StepMode;
  sideEffects: SideEffects;
  timeoutsMs: Record<TimeoutName, number>;
  notifyParent?: boolean;
}

/** Which checks apply. Each is asked only if the outcome depends on it, because the answer may become an event. */
export interface InputRules {
  isIdBinding: () => boolean;
  mayNameAccount: () => boolean;
}

const CURRENT_RULES: InputRules = { isIdBinding: () => true, mayNameAccount: () => true };

export type ParsedStepInput = { ok: true; plan: StepPlan } | { ok: false; message: string };

const REFUSE_INEXACT = 'refuse-numbers-that-are-not-exact';
const CONTROL = /\p{Cc}/u;

// `mustBeId` and `title` repeat src/schemas/id.ts and text.ts, which can't be bundled. A test compares them.
export const mustBeId: Check = (value) => {
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
export const mustBeStepId: Check = (value) =>
  isStepId(value) ? undefined : 'must be 1–128 of A–Z a–z 0–9 . _ ~ -';

const REQUIRED: Record<keyof Pick<McpStepInput, 'userId' | 'mcpServerId' | 'tool'>, Check> = {
  userId: mustBeId,
  mcpServerId: mustBeId,
  tool: mustBeId,
};
const OPTIONAL: Record<Exclude<keyof McpStepInput, keyof typeof REQUIRED>, Check> = {
  account: mustBeId,
  arguments: mustBeObject,
  stepId: mustBeStepId,
  title,
  mode: mustBeOneOf(STEP_MODES),
  sideEffects: mustBeOneOf(SIDE_EFFECTS),
  timeouts: mustBeObject,
  notifyParent: mustBeOneOf([true, false]),
};
const STEP: Fields = { required: REQUIRED, optional: OPTIONAL };
const TIMEOUTS: Fields = {
  optional: Object.fromEntries(Object.keys(DEFAULT_TIMEOUTS_MS).filter(isTimeoutName).map(withCheck)),
};

/**
 * Checks the input, also against the workflow id: over HTTP, only that id proves whose step it is.
 *
 * @param rules for the replay of a step of an older version, which did not check the id, or refused the account
 */
export function parseStepInput(
  input: unknown,
  workflowId: string,
  { isIdBinding, mayNameAccount }: InputRules = CURRENT_RULES,
): ParsedStepInput {
  if (input === UNDECODABLE) return { ok: false, message: unreadable('input') };
  if (!isEncodableObject(input)) return { ok: false, message: 'the input must be one object' };
  const problems = inputProblems(input);
  const ofId = idProblems(input, workflowId);
  if (problems.length > 0 || (ofId.length > 0 && isIdBinding())) {
    return { ok: false, message: messageOf([...problems, ...ofId]) };
  }
  if (Object.hasOwn(input, 'account') && !mayNameAccount()) {
    return { ok: false, message: 'account is not a known field' };
  }
  // The cast is safe: the checks above have passed.
  return { ok: true, plan: withDefaults(input as Record<string, unknown> & McpStepInput, workflowId) };
}

/** Makes the plan that a step with invalid input shows of itself, of the fields that are texts. */
export function planForBadInput(input: unknown, workflowId: string): StepPlan {
  const fields: Record<string, unknown> = isEncodableObject(input) ? input : {};
  const textOf = (name: string) => (typeof fields[name] === 'string' ? String(fields[name]) : '');
  return withDefaults(
    {
      userId: textOf('userId'),
      mcpServerId: textOf('mcpServerId'),
      ...(textOf('account') !== '' && { account: textOf('account') }),
      tool: textOf('tool'),
    },
    workflowId,
  );
}

/**
 * Describes the input's rounded numbers; undefined if there are none. Older workers called the tool with rounded
 * numbers, and a replay of such a history still does.
 */
export function roundedNumbersProblem(input: unknown): string | undefined {
  const rounded = roundedNumbersOf(input);
  return rounded.length > 0 && patched(REFUSE_INEXACT) ? describeNumbers(rounded) : undefined;
}

function inputProblems(input: Record<string, unknown>): string[] {
  const { timeouts } = input;
  const ofTimeouts = isEncodableObject(timeouts) ? fieldProblems(timeouts, TIMEOUTS, 'timeouts.') : [];
  return [...fieldProblems(input, STEP), ...ofTimeouts];
}

/** Lists where an input contradicts its workflow id. An invalid user id is reported elsewhere. */
export function idProblems({ userId, stepId }: Record<string, unknown>, workflowId: string): string[] {
  const isValid = typeof userId === 'string' && mustBeId(userId) === undefined;
  return isValid ? workflowIdProblems(workflowId, { userId, stepId }) : [];
}

function isTimeoutName(name: string): name is TimeoutName {
  return Object.hasOwn(DEFAULT_TIMEOUTS_MS, name);
}

function withCheck(name: TimeoutName): [TimeoutName, Check] {
  return [name, (value) => timeoutProblem(name, typeof value === 'string' ? value : '')];
}

function withDefaults(input: McpStepInput, workflowId: string): StepPlan {
  return {
    userId: input.userId,
    mcpServerId: input.mcpServerId,
    ...accountMember(input.account),
    tool: input.tool,
    arguments: input.arguments ?? {},
    stepId: input.stepId ?? stepIdIn(workflowId) ?? workflowId,
    ...(input.title && { title: input.title }),
    mode: input.mode ?? 'fully-automated',
    sideEffects: input.sideEffects ?? 'auto',
    timeoutsMs: timeoutsOf(input),
    ...(input.notifyParent && { notifyParent: true }),
  };
}

/** The credential that the step uses, as its activities take it. */
export function credentialKeyOf(plan: StepPlan): CredentialKey {
  return credentialKey(plan);
}

function timeoutsOf({ timeouts }: McpStepInput): Record<TimeoutName, number> {
  const chosen = { ...DEFAULT_TIMEOUTS_MS };
  for (const name of Object.keys(chosen).filter(isTimeoutName)) {
    const text = timeouts?.[name];
    chosen[name] = (text && parseDuration(text)) || chosen[name];
  }
  return chosen;
}
