import { isObject } from '../../contracts/is-object.ts';
import type { ServerLimits } from '../server-limits.ts';
import { ServerFloods } from './failures.ts';

/** A message of the server with a method. Without an id it is a notification. */
interface ServerRequest {
  id?: unknown;
  method: string;
  params?: unknown;
}

/** Limits what a server sends unasked in one session. */
export interface ServerTraffic {
  /** Admits the messages that come while one request of ours is open. */
  forRequest(): Admissions;
  /** Sends an answer once few enough others are being sent. Rejects where too many answers wait already. */
  answer<T>(send: () => Promise<T>): Promise<T>;
}

/**
 * Returns the message in the form and size that the SDK is given, or undefined for a message that has no effect here.
 *
 * @throws ServerFloods for more requests than a session answers
 */
export type Admission = (message: unknown) => Record<string, unknown> | undefined;

export interface Admissions {
  admit: Admission;
  /** The latest progress note, if it was over the limit. It says how far the call had come. */
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
  | 'requestIdLength'
>;

/** `handledMethods` are those of the requests that are admitted with their parameters. */
export function createServerTraffic({
  limits,
  handledMethods,
}: {
  limits: Limits;
  handledMethods: readonly string[];
}): ServerTraffic {
  const now = () => performance.now();
  const slots = answerSlots(limits);
  const takeRequest = tokenBucket(limits.requestsInABurst, limits.requestsPerSecond, now);

  function admitRequest({ id, method, params }: ServerRequest): Record<string, unknown> | undefined {
    if (!isAnswerable(id, limits)) return undefined;
    if (!takeRequest() || slots.full()) throw new ServerFloods('requests');
    // The SDK answers a `ping`, and refuses all methods that have no handler. Neither depends on the parameters.
    return { jsonrpc: '2.0', id, method, ...(handledMethods.includes(method) && { params }) };
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
          // Other notifications have no effect: log messages are not kept, and lists are read when needed.
          return admitRequest({ ...message, method: message.method });
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
  { requestIdLength }: Limits,
): Record<string, unknown> | undefined {
  if (!isObject(params)) return undefined;
  const { progressToken, progress, total, message } = params;
  if (typeof progressToken === 'string' && progressToken.length > requestIdLength) return undefined;
  const note = {
    progressToken,
    progress,
    ...(total != null && { total }),
    // Whole: cut here, it could begin or end with part of a secret. `callWithoutSecrets` cuts it.
    ...(typeof message === 'string' && { message }),
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
      // Lets the next answer go.
      const next = waiting.shift();
      if (next === undefined) taken -= 1;
      else next();
    }
  }

  return { run, full: () => waiting.length >= answersWaiting };
}
