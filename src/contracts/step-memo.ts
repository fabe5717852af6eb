import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';
import { DEFAULT_TIMEOUTS_MS, parseDuration } from './durations.ts';
import type { McpStepInput, StepMode, StepTimeouts } from './step.ts';

/** What a step's start carries for lists and for whoever starts it again. Costs no event, is not a secret. */
export interface StepMemo {
  requestHash: string;
  stepId: string;
  userId: string;
  mcpServerId: string;
  tool: string;
  title?: string;
  mode: StepMode;
}

export const MEMO_KEY = 'latchkeyStep';

export function stepMemo(input: McpStepInput & { stepId: string }): StepMemo {
  const { stepId, userId, mcpServerId, tool, title, mode } = input;
  return {
    requestHash: requestHash(input),
    stepId,
    userId,
    mcpServerId,
    tool,
    ...(title !== undefined && { title }),
    mode: mode ?? 'fully-automated',
  };
}

/** Undefined where the step was started neither by our client nor by `runMcpStep`, or the memo holds other things. */
export function memoOf(memo: Record<string, unknown> | undefined): StepMemo | undefined {
  const value = memo?.[MEMO_KEY];
  return isStepMemo(value) ? value : undefined;
}

const TEXTS = ['requestHash', 'stepId', 'userId', 'mcpServerId', 'tool', 'mode'] as const;

// Any client may have written it: also one with a key of the same name.
function isStepMemo(value: unknown): value is StepMemo {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof StepMemo, unknown>> = value;
  const hasTitle = fields.title === undefined || typeof fields.title === 'string';
  return hasTitle && TEXTS.every((name) => typeof fields[name] === 'string');
}

/**
 * The same for two requests exactly if they ask for the same, whatever the order of their fields, and whether a
 * default is left out or stands there.
 */
export function requestHash(input: McpStepInput): string {
  return hashOf(withoutDefaults(input));
}

/** Whether a step that was started with the request of this hash was asked for the same. */
export function isSameRequest(input: McpStepInput, hash: string): boolean {
  if (hash === requestHash(input)) return true;
  return asWrittenBefore(input).some((request) => hashOf(request) === hash);
}

/** What a field says that is left out. */
const DEFAULTS = { arguments: {}, mode: 'fully-automated', sideEffects: 'auto', timeouts: {} } as const;

function withoutDefaults(input: McpStepInput): object {
  const { timeouts } = input;
  return withoutEmpty(timeouts ? { ...input, timeouts: otherThanDefaults(timeouts) } : input);
}

/** However the default is written: `5m` or `300s`. */
function otherThanDefaults(timeouts: StepTimeouts): StepTimeouts {
  const isDefault = ([name, text]: [string, unknown]) =>
    typeof text === 'string' &&
    Object.hasOwn(DEFAULT_TIMEOUTS_MS, name) &&
    // The cast names what the line before has found.
    parseDuration(text) === DEFAULT_TIMEOUTS_MS[name as keyof StepTimeouts];
  return Object.fromEntries(Object.entries(timeouts).filter((entry) => !isDefault(entry)));
}

function withoutEmpty(input: McpStepInput): object {
  const defaults = new Map(Object.entries(DEFAULTS).map(([name, value]) => [name, hashOf(value)]));
  return Object.fromEntries(
    Object.entries(input).filter(
      ([name, value]) => value !== undefined && defaults.get(name) !== hashOf(value),
    ),
  );
}

// Hashes of before tell a default that stands there from one that is left out: every way to write the request.
function asWrittenBefore(input: McpStepInput): object[] {
  return [withoutDefaults(input), withoutEmpty(input)].flatMap(everyWayToWrite);
}

function everyWayToWrite(request: object): object[] {
  const absent = Object.entries(DEFAULTS).filter(([name]) => !Object.hasOwn(request, name));
  return absent.reduce<object[]>(
    (ways, [name, value]) => ways.flatMap((way) => [way, { ...way, [name]: value }]),
    [request],
  );
}

function hashOf(value: unknown): string {
  return base64urlnopad.encode(sha256(utf8ToBytes(JSON.stringify(sorted(value)))));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, sorted(field)]);
}
