import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import {
  type ClosableGuardedFetch,
  createGuardedFetch,
  type GuardedFetchOptions,
} from '../../src/net/guarded-fetch.ts';
import { NetworkError } from '../../src/net/network.ts';
import type { LoopbackServer } from './loopback-server.ts';

/** A guarded fetch for the test that asks for it; closed after it. Policy `development` if not said otherwise. */
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

/** The NetworkError that something must end with. */
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

/** Something that a test waits for. */
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
