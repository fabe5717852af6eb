import type { ServerLimits } from '../server-limits.ts';
import { ServerFloods } from './failures.ts';
import { isObject } from './rpc-message.ts';

/** What a server sends of its own accord in one session, let through in bounds. */
export interface ServerTraffic {
  /** Judges the messages that come for one request of ours. */
  forRequest(): Admissions;
  /** Runs the sending of an answer once there is a slot for it. Rejects where too many wait already. */
  answer<T>(send: () => Promise<T>): Promise<T>;
}

/**
 * The message in the form and size that the SDK is to see; undefined for one that nothing here acts on.
 *
 * @throws ServerFloods for more requests than a session answers
 */
export type Admission = (message: unknown) => Record<string, unknown> | undefined;

export interface Admissions {
  admit: Admission;
  /** The latest progress note, where it was one too many: it tells how far the call had come. */
  withheld(): Record<string, unknown> | undefined;
}

type Limits = Pick<
  ServerLimits,
  | 'answersAtOnce'
  | 'answersWaiting'
  | 'requestsInABurst'
  | 'requestsPerSecond'
  | 'progressInABurst'
  | 'progressPerSecond'
  | 'progressMessageLength'
  | 'requestIdLength'
>;

/** `now` is in milliseconds and monotonic. */
export function createServerTraffic(limits: Limits, now = () => performance.now()): ServerTraffic {
  const slots = answerSlots(limits);
  const takeRequest = tokenBucket(limits.requestsInABurst, limits.requestsPerSecond, now);

  function admitRequest(id: unknown, method: string): Record<string, unknown> | undefined {
    if (!isAnswerable(id, limits)) return undefined;
    if (!takeRequest() || slots.full()) throw new ServerFloods('requests');
    // The SDK answers a `ping`, and to all others that there is no such method, whatever their parameters.
    return { jsonrpc: '2.0', id, method };
  }

  return {
    answer: slots.run,
    forRequest() {
      const takeProgress = tokenBucket(limits.progressInABurst, limits.progressPerSecond, now);
      let withheld: Record<string, unknown> | undefined;
      const admitProgress = (message: Record<string, unknown>) => {
        const note = progressNote(message, limits);
        const isAdmitted = takeProgress();
        withheld = isAdmitted ? undefined : note;
        return isAdmitted ? note : undefined;
      };
      return {
        withheld: () => withheld,
        admit(message) {
          if (!isObject(message) || typeof message.method !== 'string') return undefined;
          if (message.method === 'notifications/progress') return admitProgress(message);
          // Other notifications change nothing here: logging is not kept, and lists are read when they are needed.
          return admitRequest(message.id, message.method);
        },
      };
    },
  };
}

function isAnswerable(id: unknown, { requestIdLength }: Limits): boolean {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= requestIdLength);
}

function progressNote(
  { params }: Record<string, unknown>,
  { progressMessageLength, requestIdLength }: Limits,
): Record<string, unknown> | undefined {
  if (!isObject(params)) return undefined;
  const { progressToken, progress, total, message } = params;
  if (typeof progressToken === 'string' && progressToken.length > requestIdLength) return undefined;
  const note = {
    progressToken,
    progress,
    ...(total != null && { total }),
    ...(typeof message === 'string' && { message: message.slice(0, progressMessageLength) }),
  };
  return { jsonrpc: '2.0', method: 'notifications/progress', params: note };
}

function tokenBucket(burst: number, perSecond: number, now: () => number): () => boolean {
  let tokens = burst;
  let filledAt = now();
  return () => {
    const at = now();
    tokens = Math.min(burst, tokens + ((at - filledAt) / 1_000) * perSecond);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

function answerSlots({ answersAtOnce, answersWaiting }: Limits) {
  const waiting: (() => void)[] = [];
  let taken = 0;

  async function run<T>(send: () => Promise<T>): Promise<T> {
    if (taken < answersAtOnce) taken += 1;
    else if (waiting.length >= answersWaiting) throw new ServerFloods('requests');
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await send();
    } finally {
      // The slot goes to the next in line, or is free.
      const next = waiting.shift();
      if (next === undefined) taken -= 1;
      else next();
    }
  }

  return { run, full: () => waiting.length >= answersWaiting };
}
