/**
 * A step's memo: what lists show of a step without a query. `StepMemo` is written by the start, `StepStateMemo` by
 * the step itself. Running steps hold these fields: add to them, never rename.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';
import { accountMember } from './accounts.ts';
import { DEFAULT_TIMEOUTS_MS, parseDuration } from './durations.ts';
import type { McpStepInput, StepMode, StepTimeouts, StepView } from './step.ts';

/** Written by the start, for lists and to recognize a repeated start. Costs no event and holds no secret. */
export interface StepMemo {
  /** Absent for a step. */
  kind?: 'listing';
  requestHash: string;
  stepId: string;
  userId: string;
  mcpServerId: string;
  /** Absent: `default`. */
  account?: string;
  tool: string;
  title?: string;
  mode: StepMode;
  /**
   * When the start was requested, by the clock of the program that requested it, in ISO 8601. Absent for a start by
   * Nexus, by `runMcpStep` or by another client, and in steps of older versions. See `createdAtOf`.
   */
  createdAt?: string;
}

export const MEMO_KEY = 'latchkeyStep';

/**
 * The memo key of the id of the HTTP request that started the step (`X-Request-Id`). It has a key of its own, because it
 * says nothing about the step: another request that asks for the same step gets the same one.
 */
export const REQUEST_MEMO = 'latchkeyRequest';

/** The memo key of `StepStateMemo`, which a step writes from its first pause or its end on. */
export const STATE_MEMO = 'latchkeyState';

/** Also written by the step itself, because a client in another language may start it without a memo. */
export type StepIdentity = Pick<StepView, 'kind' | 'stepId' | 'mcpServerId' | 'tool' | 'title' | 'mode'> & {
  /** Absent: `default`. */
  account?: string;
};

/** What lists show of a step after its start. Success is not written: Temporal's status Completed means success. */
export type StepStateMemo = StepIdentity &
  Pick<
    StepView,
    | 'status'
    | 'createdAt'
    | 'updatedAt'
    | 'awaitingInputReason'
    | 'connectionReason'
    | 'requiredScopes'
    | 'connectUrl'
    | 'error'
  >;

export function stepMemo(input: McpStepInput & { stepId: string }): StepMemo {
  const { stepId, userId, mcpServerId, account, tool, title, mode } = input;
  return {
    requestHash: requestHash(input),
    stepId,
    userId,
    mcpServerId,
    ...accountMember(account),
    tool,
    ...(title !== undefined && { title }),
    mode: mode ?? 'fully-automated',
  };
}

/** Reads the memo; undefined if neither our client nor `runMcpStep` started the step, or it has another shape. */
export function memoOf(memo: Record<string, unknown> | undefined): StepMemo | undefined {
  const value = memo?.[MEMO_KEY];
  return isStepMemo(value) ? value : undefined;
}

/**
 * How far the time of a request may be from Temporal's time of the start. Before it by the duration of the start, which
 * is a few exchanges of at most 5 s each, and after it by the difference of the two clocks.
 */
export const CREATED_AROUND_START = { beforeMs: 60_000, afterMs: 1_000 };

/**
 * Returns when a step was created, in ISO 8601. Temporal's answer to a start has no time, and to ask for it would be a
 * second request. So the starting program writes its own time into the memo, and answers with it. Where that time is too
 * far from Temporal's, this returns Temporal's, and the answer to the start was another.
 *
 * @param startTime Temporal's
 */
export function createdAtOf(memo: Record<string, unknown> | undefined, startTime: Date): string {
  const { createdAt } = memoOf(memo) ?? {};
  const requestedAt = new Date(typeof createdAt === 'string' ? createdAt : Number.NaN);
  const startTook = startTime.getTime() - requestedAt.getTime();
  const { beforeMs, afterMs } = CREATED_AROUND_START;
  const isCredible = startTook <= beforeMs && startTook >= -afterMs;
  return (isCredible ? requestedAt : startTime).toISOString();
}

const TEXTS = ['requestHash', 'stepId', 'userId', 'mcpServerId', 'tool', 'mode'] as const;

// Any client may have written any value under this key.
function isStepMemo(value: unknown): value is StepMemo {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof StepMemo, unknown>> = value;
  const isTextOrAbsent = (value: unknown) => value === undefined || typeof value === 'string';
  if (!isTextOrAbsent(fields.title) || !isTextOrAbsent(fields.account)) return false;
  return TEXTS.every((name) => typeof fields[name] === 'string');
}

/**
 * Hashes a request. Two requests have the same hash exactly if they mean the same: the order of fields does not
 * matter, nor whether a default is written out.
 */
export function requestHash(input: McpStepInput): string {
  return hashOf(withoutDefaults(input));
}

/** Whether `hash` is that of a request with the same meaning. */
export function isSameRequest(input: McpStepInput, hash: string): boolean {
  if (hash === requestHash(input)) return true;
  return olderSpellings(input).some((request) => hashOf(request) === hash);
}

/** The meaning of an absent field. */
const DEFAULTS = { arguments: {}, mode: 'fully-automated', sideEffects: 'auto', timeouts: {} } as const;

function withoutDefaults(input: McpStepInput): object {
  const { timeouts } = input;
  return withoutEmpty(timeouts ? { ...input, timeouts: nonDefaultTimeouts(timeouts) } : input);
}

/** A default is recognized in every spelling: `5m` or `300s`. */
function nonDefaultTimeouts(timeouts: StepTimeouts): StepTimeouts {
  const isDefault = ([name, text]: [string, unknown]) =>
    typeof text === 'string' &&
    Object.hasOwn(DEFAULT_TIMEOUTS_MS, name) &&
    // The cast is safe: the line above has checked the name.
    parseDuration(text) === DEFAULT_TIMEOUTS_MS[name as keyof StepTimeouts];
  return Object.fromEntries(Object.entries(timeouts).filter((entry) => !isDefault(entry)));
}

// Older versions knew no account, so it has only one spelling.
function withoutEmpty(input: McpStepInput): object {
  const defaults = new Map(Object.entries(DEFAULTS).map(([name, value]) => [name, hashOf(value)]));
  return Object.fromEntries(
    Object.entries({ ...input, account: accountMember(input.account).account }).filter(
      ([name, value]) => value !== undefined && defaults.get(name) !== hashOf(value),
    ),
  );
}

// Hashes of older versions differ by whether a default is written out, so every spelling is tried.
function olderSpellings(input: McpStepInput): object[] {
  return [withoutDefaults(input), withoutEmpty(input)].flatMap(allSpellings);
}

function allSpellings(request: object): object[] {
  const absent = Object.entries(DEFAULTS).filter(([name]) => !Object.hasOwn(request, name));
  return absent.reduce<object[]>(
    (spellings, [name, value]) => spellings.flatMap((spelling) => [spelling, { ...spelling, [name]: value }]),
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
