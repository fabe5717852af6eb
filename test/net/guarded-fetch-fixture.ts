import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import {
  type ClosableGuardedFetch,
  createGuardedFetch,
  type GuardedFetchOptions,
} from '../../src/net/guarded-fetch.ts';
import { NetworkError } from '../../src/net/network.ts';
import type { LoopbackServer } from './loopback-server.ts';

/** Creates a guarded fetch and closes it after the test. The default policy is `development`. */
export function guarded(options: Partial<GuardedFetchOptions> = {}): ClosableGuardedFetch {
  const guardedFetch = createGuardedFetch({ policy: 'development', ...options });
  onTestFinished(() => guardedFetch.close(0));
  return guardedFetch;
}

/** Closes the server after the test. */
export async function during(starting: Promise<LoopbackServer>): Promise<LoopbackServer> {
  const server = await starting;
  onTestFinished(() => server.close());
  return server;
}

/** Expects a rejection with a NetworkError and returns it. */
export async function failureOf(pending: Promise<unknown>): Promise<NetworkError> {
  const outcome: unknown = await pending.then(
    (value) => new Error(`no failure but ${value}`),
    (error: unknown) => error,
  );
  if (outcome instanceof NetworkError) return outcome;
  throw outcome;
}

/** The system's form of a look-up result. */
export function addresses(...list: string[]): Array<{ address: string; family: number }> {
  return list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
}

/** undici gives a connection to the next request one turn of the event loop after the answer's end. */
export async function connectionFree(): Promise<void> {
  await nextTurn();
}

/** An event that a test waits for. */
export interface Moment {
  reached: Promise<void>;
  reach: () => void;
}

export function moment(): Moment {
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reached, reach };
}
