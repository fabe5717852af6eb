import { Context } from '@temporalio/activity';
import { type RefreshTokenInput, type RefreshTokenOutcome, TOO_MANY_CALLS } from '../contracts/activities.ts';
import type { Renewal } from '../credentials/refresh/renewal.ts';
import type { CallLimits } from './call-limits.ts';
import { heartbeating } from './heartbeating.ts';
import { TryLater } from './try-later.ts';

const LONGEST_BACKOFF_MS = 60_000;

/**
 * Renews the user's access token, or finds that somebody has.
 *
 * @throws TryLater while another holds the lease, the token endpoint gives no answer to go by, or too many others of
 * the user, or the server, are under way in this process
 */
export function createRefreshToken(deps: { renewal: Renewal; limits: CallLimits }) {
  return async function refreshToken(input: RefreshTokenInput): Promise<RefreshTokenOutcome> {
    const room = deps.limits.lookups.take(input);
    if (room.kind === 'full') throw new TryLater(TOO_MANY_CALLS, room.retryAfterMs);
    const renewing = heartbeating(() => deps.renewal.renew(keyOf(input), input.seen));
    const outcome = await renewing.finally(room.release);
    switch (outcome.kind) {
      case 'busy':
        throw new TryLater('another renewal is under way', jittered(1_000));
      case 'unavailable':
        // However often the step has come for nothing: its next request is one of three in about a minute.
        if (outcome.isRefused) throw new TryLater('token endpoint: refused', soonAfter(outcome.retryAfterMs));
        // `Retry-After: 0`, or a date in the past, is no leave to ask without end.
        throw new TryLater(
          `token endpoint: ${outcome.cause}`,
          Math.max(outcome.retryAfterMs ?? 0, backoffMs()),
        );
      default:
        return outcome;
    }
  };
}

function keyOf({ userId, mcpServerId }: RefreshTokenInput) {
  return { userId, mcpServerId };
}

function soonAfter(ms = 0): number {
  return Math.round(ms + Math.random() * 1_000);
}

function backoffMs(): number {
  const { attempt } = Context.current().info;
  return jittered(Math.min(1_000 * 2 ** Math.min(attempt, 10), LONGEST_BACKOFF_MS));
}

// Up to half as much again: whoever stepped aside together does not come back together.
function jittered(ms: number): number {
  return Math.round(ms * (1 + Math.random() / 2));
}
