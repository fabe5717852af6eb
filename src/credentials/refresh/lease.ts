import { randomUUID } from 'node:crypto';
import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../clock.ts';
import { extendLease, type Lease, releaseLease, takeLease } from './lease-store.ts';

const EXTEND_EVERY_MS = 5_000;

export interface HeldLease extends Lease {
  /** An earlier holder was about to send, or sent, a refresh whose answer is not stored. */
  unfinished: boolean;
  /** Stops extending and gives the lease back; never throws: a lease that can't be given back runs out. */
  release(): Promise<void>;
}

/** Takes the lease and keeps extending it until it is released. Undefined: somebody else has it. */
export async function holdLease(
  deps: { db: Db; clock: Clock; logger: Logger },
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<HeldLease | undefined> {
  const lease: Lease = { key, id: randomUUID(), seen };
  const taken = await takeLease(deps.db, lease);
  if (taken === undefined) return undefined;
  // A failed extension is tried again at the next turn: the lease outlives two of them.
  const stopExtending = deps.clock.every(EXTEND_EVERY_MS, () => {
    extendLease(deps.db, lease).catch((error: unknown) =>
      deps.logger.warn({ err: error, ...key }, 'lease extension failed'),
    );
  });
  return {
    ...lease,
    unfinished: taken.unfinished,
    async release() {
      stopExtending();
      await releaseLease(deps.db, lease).catch((error: unknown) =>
        deps.logger.warn({ err: error, ...key }, 'lease release failed'),
      );
    },
  };
}
