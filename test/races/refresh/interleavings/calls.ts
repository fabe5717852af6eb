import { isDeepStrictEqual } from 'node:util';
import type { CodeMemory, Moment } from './code-memory.ts';
import { isMain, type Reply } from './running-program.ts';
import type { Call } from './state.ts';

/**
 * More seconds than any limit in the code that is measured by the clock of a process: whatever takes longer
 * is alike to it.
 */
export const LONG_SECONDS = 6;

const OCCURRED: Reply = { key: '' };

export function startCall(moment: Moment): Call {
  return { moment, wall: 0, monotonic: 0, due: dueOf(moment, []) };
}

/** What a call is after its ask was answered, or its sleep was over, or its timer has turned. */
export function tell(code: CodeMemory, call: Call, ask: number, reply: Reply = OCCURRED): Call {
  const { wall, monotonic } = call;
  const moment = code.next(call.moment, { ask, wall, monotonic, reply });
  const stalled = call.stalled?.[0] === ask ? undefined : call.stalled;
  const next = { moment, wall: 0, monotonic: 0, due: dueOf(moment, call.due), ...(stalled && { stalled }) };
  if (call.turned?.query === ask) return turnedBack(call, call.turned.from, next);
  const isTurn = call.moment.asks.some(({ id, kind }) => id === ask && kind === 'turn');
  return isTurn ? turn(call, ask, next) : next;
}

export function hasEnded({ moment }: Call): boolean {
  return moment.ending !== undefined && moment.asks.length === 0;
}

/** The same call so much later. */
export function oneSecondLater(call: Call, life: 'running' | 'frozen' | 'suspended'): Call {
  const monotonic = life === 'suspended' ? call.monotonic : Math.min(call.monotonic + 1, LONG_SECONDS);
  return {
    ...call,
    wall: Math.min(call.wall + 1, LONG_SECONDS),
    monotonic,
    due: call.due.map(([ask, seconds]) => [ask, Math.max(seconds - 1, 0)] as const),
    ...(call.stalled && { stalled: [call.stalled[0], Math.max(call.stalled[1] - 1, 0)] as const }),
  };
}

function turn(call: Call, ask: number, next: Call): Call {
  const query = next.moment.asks.find(({ id }) => !call.moment.asks.some((one) => one.id === id));
  if (query === undefined) return next;
  const due = next.due.map(([one, seconds]) => [one, one === ask ? turnOf(call, ask) : seconds] as const);
  const { turned: _, ...from } = call;
  return { ...next, due, ...(call.turned === undefined && { turned: { from, query: query.id } }) };
}

// An extension of the lease leaves no trace in the code: it is as if its timer had never turned.
function turnedBack(call: Call, from: Call, next: Call): Call {
  if (!isDeepStrictEqual(next.moment.asks, from.moment.asks)) throw new Error('a turn has left a trace');
  return {
    ...next,
    moment: from.moment,
    wall: Math.min(from.wall + call.wall, LONG_SECONDS),
    monotonic: Math.min(from.monotonic + call.monotonic, LONG_SECONDS),
  };
}

function turnOf({ moment }: Call, ask: number): number {
  const timer = moment.asks.find(({ id }) => id === ask);
  return timer?.kind === 'turn' ? timer.seconds : 0;
}

function dueOf(moment: Moment, before: Call['due']): Call['due'] {
  return moment.asks.flatMap((ask) => {
    if (ask.kind !== 'sleep' && ask.kind !== 'turn') return [];
    const known = before.find(([id]) => id === ask.id);
    return [[ask.id, known?.[1] ?? ask.seconds] as const];
  });
}

/** The one thing that the code itself waits for. */
export function mainAsk({ moment }: Call) {
  return moment.asks.find(isMain);
}
