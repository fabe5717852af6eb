import { Context } from '@temporalio/activity';
import { credentialKey } from '../contracts/accounts.ts';
import { type RefreshTokenInput, type RefreshTokenOutcome, TOO_MANY_CALLS } from '../contracts/activities.ts';
import { backoffMs, type Jitter, withJitter } from '../contracts/backoff.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';
import { heartbeating } from './activity-context.ts';
import type { CallLimits } from './call-limits.ts';
import { TryLater } from './failures.ts';

const BUSY_RETRY_MS = 1_000;
const BACKOFF = { firstMs: 1_000, maxMs: 60_000 };
/** Up to 50 % more, so that activities that were turned away together don't retry together. */
const JITTER: Jitter = { from: 1, spread: 0.5 };
/** Added to the server's own delay, ms. */
const MAX_EXTRA_DELAY_MS = 1_000;

/**
 * Renews the user's access token, or returns the newer one that is already stored.
 *
 * @throws TryLater if another process holds the lease, the token endpoint gives no usable answer, or the user or
 *   server has reached its limit in this process
 */
export function createRefreshToken(deps: { renewal: Renewal; limits: CallLimits }) {
  return async function refreshToken(input: RefreshTokenInput): Promise<RefreshTokenOutcome> {
    const room = deps.limits.lookups.take(input);
    if (room.kind === 'full') throw new TryLater(TOO_MANY_CALLS, room.retryAfterMs);
    const renewing = heartbeating(() => deps.renewal.renew(credentialKey(input), input.seen));
    const outcome = await renewing.finally(room.release);
    switch (outcome.kind) {
      case 'busy':
        throw new TryLater('another renewal is under way', withJitter(BUSY_RETRY_MS, JITTER));
      case 'unavailable':
        // No backoff by attempt: the refresh itself spaces out its three requests, in about a minute.
        if (outcome.isRefused)
          throw new TryLater('token endpoint: refused', withExtraDelay(outcome.retryAfterMs));
        // The backoff is a minimum: `Retry-After` may be 0 or a date in the past.
        throw new TryLater(
          `token endpoint: ${outcome.cause}`,
          Math.max(outcome.retryAfterMs ?? 0, backoffOfAttemptMs()),
        );
      default:
        return outcome;
    }
  };
}

function withExtraDelay(ms = 0): number {
  return ms + withJitter(MAX_EXTRA_DELAY_MS, { from: 0, spread: 1 });
}

function backoffOfAttemptMs(): number {
  const { attempt } = Context.current().info;
  return withJitter(backoffMs(BACKOFF, attempt), JITTER);
}
