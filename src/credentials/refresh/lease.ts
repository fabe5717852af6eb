/**
 * The lease: the right of one process to refresh one credential. An authorization server that detects reuse revokes the
 * whole grant when a refresh token is sent twice, so a refresh is sent under the lease only. The states are columns of
 * the credential's row, all times are the database's, and each transition is one statement of the store that is named.
 *
 * | state           | the row                                        | meaning                                      |
 * | --------------- | ---------------------------------------------- | -------------------------------------------- |
 * | free            | no `lease_id`, `grant_seq` = `stored_seq`      | no refresh is under way                      |
 * | held            | `lease_id`, `grant_seq` = `stored_seq`         | one process prepares a refresh               |
 * | intent recorded | `lease_id`, `grant_seq` > `stored_seq`         | the request is about to be sent, or was sent |
 * | unfinished      | lease free or over, `grant_seq` > `stored_seq` | the answer is on its way, or lost            |
 *
 * | from                        | to              | by                                                                   |
 * | --------------------------- | --------------- | -------------------------------------------------------------------- |
 * | free                        | held            | `takeLease`, if the stored token is still the one that was seen      |
 * | held, intent recorded       | the same        | `extendLease`, every 5 s; a lease without it is over after 15 s      |
 * | held, intent recorded       | intent recorded | `recordIntent`; the first byte leaves within 5 s, or never           |
 * | intent recorded             | held            | `clearIntent`: nothing was sent, or the server refused               |
 * | intent recorded, unfinished | free            | `storeRenewal`: the answer is stored, also after the lease is over   |
 * | held                        | free            | `releaseLease`, `markReauthRequired`                                 |
 * | intent recorded             | unfinished      | the same two while an answer is missing; or the holder died or froze |
 * | unfinished                  | intent recorded | `takeLease`: another process takes the lease over                    |
 * | any                         | free            | a deposit of another token, or a disconnect: they win                |
 *
 * The row does not say whether a recorded intent was sent: only its holder knows. After a takeover, the new holder
 * assumes that it was. A deposit of the same token with other fields changes no state.
 *
 * @see docs/design.md, "One refresh"
 */
import { randomUUID } from 'node:crypto';
import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../clock.ts';
import { extendLease, type Lease, releaseLease, takeLease } from './lease-store.ts';

const EXTEND_INTERVAL_MS = 5_000;

export interface HeldLease extends Lease {
  /** The lease was taken over: the answer to an earlier holder's refresh is on its way, or lost. */
  unfinished: boolean;
  /** Stops extending and releases the lease. Never throws: a lease that can't be released runs out. */
  release(): Promise<void>;
}

/** Takes the lease and extends it until it is released. Undefined: another process holds it. */
export async function holdLease(
  deps: { db: Db; clock: Clock; logger: Logger },
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<HeldLease | undefined> {
  const lease: Lease = { key, id: randomUUID(), seen };
  const taken = await takeLease(deps.db, lease);
  if (taken === undefined) return undefined;
  // A failed extension is tried again 5 s later: the lease outlives two failures.
  const stopExtending = deps.clock.every(EXTEND_INTERVAL_MS, () => {
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
