import { setTimeout as delay } from 'node:timers/promises';
import { tokenOf } from '../../src/dev/demo/api.ts';

export interface Answer {
  status: number;
  body: unknown;
}

/** Calls Latchkey's HTTP API as a user's application would: at another process when one does not answer. */
export interface PersistentCaller {
  /** Tries until an answer is neither a 429 nor a 5xx. @throws when none came for minutes */
  ask(userId: string, request: string, body?: object): Promise<Answer>;
  /** Asks once, at any process. Undefined: no answer. */
  askOnce(userId: string, request: string, body?: object): Promise<Answer | undefined>;
  askAsAdmin(request: string, body: object): Promise<Answer>;
  /** Answers that the contract does not foresee, e.g. a 500. */
  readonly oddAnswers: readonly string[];
}

const ANSWERED_WITHIN_MS = 20_000;
const GIVES_UP_AFTER_MS = 5 * 60_000;
const TRIES_AGAIN_AFTER_MS = 300;

export function createPersistentCaller(urls: readonly string[], jwtSecret: string): PersistentCaller {
  const oddAnswers: string[] = [];
  let turn = 0;

  async function askOnce(userId: string, request: string, body?: object, scope?: string) {
    const [method = '', path = ''] = request.split(' ');
    turn += 1;
    const answer = await send(new URL(path, urls[turn % urls.length]), {
      method,
      headers: {
        authorization: `Bearer ${await tokenOf({ userId, ...(scope && { scope }) }, jwtSecret)}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
    });
    if (answer?.status === 500) oddAnswers.push(`${request}: 500 ${JSON.stringify(answer.body)}`);
    return answer;
  }

  async function ask(userId: string, request: string, body?: object, scope?: string): Promise<Answer> {
    const deadline = performance.now() + GIVES_UP_AFTER_MS;
    for (;;) {
      const answer = await askOnce(userId, request, body, scope);
      if (answer !== undefined && answer.status !== 429 && answer.status < 500) return answer;
      if (performance.now() > deadline) throw new Error(`${request} of ${userId}: no answer for minutes`);
      await delay(TRIES_AGAIN_AFTER_MS);
    }
  }

  return {
    oddAnswers,
    askOnce: (userId, request, body) => askOnce(userId, request, body),
    ask: (userId, request, body) => ask(userId, request, body),
    askAsAdmin: (request, body) => ask('operator', request, body, 'latchkey:admin'),
  };
}

async function send(url: URL, init: RequestInit): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  } catch {
    // Refused, reset, too late, or cut off half-way: the process is gone or frozen.
    return undefined;
  }
}
