import {
  DEFAULT_TIMEOUTS_MS,
  MAX_TIMEOUTS_MS,
  parseDuration,
  type TimeoutName,
} from '../contracts/durations.ts';
import type { McpStepInput, SideEffects, StepMode } from '../contracts/step.ts';
import { isAbsent, isObject } from './json-guards.ts';

/** A step's input with every default filled in. */
export interface StepPlan {
  userId: string;
  mcpServerId: string;
  tool: string;
  arguments: Record<string, unknown>;
  stepId: string;
  title?: string;
  mode: StepMode;
  sideEffects: SideEffects;
  timeoutsMs: Record<TimeoutName, number>;
}

export type ParsedStepInput = { ok: true; plan: StepPlan } | { ok: false; message: string };

const MODES: readonly StepMode[] = ['fully-automated', 'automated-with-confirmation', 'confirm-destructive'];
const SIDE_EFFECTS: readonly SideEffects[] = ['auto', 'read-only', 'idempotent', 'unsafe'];
const CONTROL = /\p{Cc}/u;
const STEP_ID = /^[A-Za-z0-9._~-]{1,128}$/;

type Fields = Record<string, unknown>;
type Check = (value: unknown) => boolean;

// These two are like src/schemas/id.ts and text.ts, which can't be bundled: a test compares them.
const isId: Check = (value) =>
  typeof value === 'string' &&
  value !== '' &&
  value.length <= 510 &&
  [...value].length <= 255 &&
  !CONTROL.test(value) &&
  value.isWellFormed();
const isTitle: Check = (value) =>
  typeof value === 'string' && value !== '' && value.length <= 255 && !CONTROL.test(value);
const isOneOf =
  (words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value);

const REQUIRED: Record<keyof Pick<McpStepInput, 'userId' | 'mcpServerId' | 'tool'>, Check> = {
  userId: isId,
  mcpServerId: isId,
  tool: isId,
};

const OPTIONAL: Record<Exclude<keyof McpStepInput, keyof typeof REQUIRED>, Check> = {
  arguments: isObject,
  stepId: (value) => typeof value === 'string' && STEP_ID.test(value),
  title: isTitle,
  mode: isOneOf(MODES),
  sideEffects: isOneOf(SIDE_EFFECTS),
  timeouts: isObject,
};

/**
 * Checks what any client may have started the workflow with. Hand-written, because a schema library costs
 * every cached workflow memory and time; never throws, because that would fail the workflow task for ever.
 */
export function parseStepInput(input: unknown, workflowId: string): ParsedStepInput {
  if (!isObject(input)) return { ok: false, message: 'the input must be one object' };
  const problem = findProblem(input) ?? findTimeoutProblem(input.timeouts);
  if (problem !== undefined) return { ok: false, message: problem };
  // The cast names what the checks above have established.
  return { ok: true, plan: withDefaults(input as Fields & McpStepInput, workflowId) };
}

/** What a step with bad input shows of itself: whatever of it makes sense. */
export function planForBadInput(input: unknown, workflowId: string): StepPlan {
  const fields: Fields = isObject(input) ? input : {};
  const textOf = (name: string) => (typeof fields[name] === 'string' ? String(fields[name]) : '');
  return withDefaults(
    { userId: textOf('userId'), mcpServerId: textOf('mcpServerId'), tool: textOf('tool') },
    workflowId,
  );
}

function findProblem(input: Fields): string | undefined {
  for (const [name, check] of Object.entries(REQUIRED)) {
    if (!check(input[name])) return `${name} is missing or not valid`;
  }
  for (const [name, value] of Object.entries(input)) {
    if (Object.hasOwn(REQUIRED, name)) continue;
    const check = Object.entries(OPTIONAL).find(([known]) => known === name)?.[1];
    if (check === undefined) return 'there is an unknown field';
    if (!isAbsent(value) && !check(value)) return `${name} is not valid`;
  }
  return undefined;
}

function findTimeoutProblem(timeouts: unknown): string | undefined {
  if (!isObject(timeouts)) return undefined;
  for (const [name, text] of Object.entries(timeouts)) {
    if (!isTimeoutName(name)) return 'there is an unknown timeout';
    if (isAbsent(text)) continue;
    const ms = typeof text === 'string' ? parseDuration(text) : undefined;
    if (ms === undefined) return `timeouts.${name} is not a duration such as 30s, 5m or 30 days`;
    if (ms > MAX_TIMEOUTS_MS[name]) return `timeouts.${name} is over its ceiling`;
  }
  return undefined;
}

const isTimeoutName = (name: string): name is TimeoutName => Object.hasOwn(DEFAULT_TIMEOUTS_MS, name);

function withDefaults(input: McpStepInput, workflowId: string): StepPlan {
  return {
    userId: input.userId,
    mcpServerId: input.mcpServerId,
    tool: input.tool,
    arguments: input.arguments ?? {},
    stepId: input.stepId ?? workflowId,
    ...(input.title && { title: input.title }),
    mode: input.mode ?? 'fully-automated',
    sideEffects: input.sideEffects ?? 'auto',
    timeoutsMs: timeoutsOf(input),
  };
}

function timeoutsOf({ timeouts }: McpStepInput): Record<TimeoutName, number> {
  const chosen = { ...DEFAULT_TIMEOUTS_MS };
  for (const name of Object.keys(chosen).filter(isTimeoutName)) {
    const text = timeouts?.[name];
    chosen[name] = (text && parseDuration(text)) || chosen[name];
  }
  return chosen;
}
