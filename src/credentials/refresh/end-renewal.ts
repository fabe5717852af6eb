import type { ConnectionReason } from '../../contracts/step.ts';
import { isNewer } from '../credential.ts';
import { readConnection } from '../credential-store.ts';
import type { Refresh } from './refresh.ts';
import { countRefusal, markReauthRequired } from './refusal-store.ts';
import { outcomeFromStoredConnection, type RenewalOutcome } from './renewal-outcome.ts';

/**
 * Marks the connection `reauth-required`. The mark is fenced by lease and versions: if it does not take effect, the
 * credential has changed meanwhile, and the outcome is what the store says now.
 */
export async function requireReauth(refresh: Refresh, reason: ConnectionReason): Promise<RenewalOutcome> {
  const { deps, lease } = refresh;
  if (await markReauthRequired(deps.db, lease, reason)) {
    return { kind: 'reauth-required', seen: lease.seen, reason };
  }
  return storedOutcome(refresh);
}

/**
 * Reports that only the operator can help. This ends steps for good, so it is reported only if the credential has not
 * changed meanwhile.
 */
export async function reportMisconfigured(
  { deps, lease }: Refresh,
  problem: { message: string; clientRefused?: string },
): Promise<RenewalOutcome> {
  const connection = await readConnection(deps.db, lease.key);
  const hasChanged = connection !== undefined && isNewer(connection.credential.versions, lease.seen);
  if (!hasChanged) return { kind: 'misconfigured', ...problem };
  return outcomeFromStoredConnection(connection, lease.seen) ?? { kind: 'busy' };
}

/** The waits after the first and the second refusal in unknown words. After the third, a person has to look. */
const REFUSAL_RETRY_SECONDS = [20, 30] as const;

/**
 * Delays the next refresh after a refusal in unknown words, and marks the connection `reauth-required` after the third
 * one in a row. Count and time are in the credential's row, so all processes and steps together send three requests.
 *
 * @param retryAfterMs what the token endpoint asks for
 */
export async function retryOrRequireReauth(refresh: Refresh, retryAfterMs = 0): Promise<RenewalOutcome> {
  const { deps, lease } = refresh;
  const waits = REFUSAL_RETRY_SECONDS.map((seconds) => Math.max(seconds, retryAfterMs / 1000));
  const times = await countRefusal(deps.db, lease, waits);
  if (times === undefined) return storedOutcome(refresh);
  const waitSeconds = waits[times - 1];
  if (waitSeconds === undefined) return requireReauth(refresh, 'refresh-refused');
  return refusedUntil(waitSeconds * 1000);
}

/** The credential was refused in unknown words. No step or process asks for it again before `ms` have passed. */
export function refusedUntil(ms: number): RenewalOutcome {
  return { kind: 'unavailable', cause: 'refused', retryAfterMs: ms, isRefused: true };
}

export function unavailable(cause: string, retryAfterMs?: number): RenewalOutcome {
  return { kind: 'unavailable', cause, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** What the operator must do about a client that was refused with this code. */
export function operatorClientRefused(code: string): { message: string; clientRefused: string } {
  return {
    message:
      `the authorization server refuses the client that is registered for this MCP server (${code}): ` +
      'the operator must register the server again with the right clientId and clientSecret',
    clientRefused: code,
  };
}

async function storedOutcome({ deps, lease }: Refresh): Promise<RenewalOutcome> {
  const connection = await readConnection(deps.db, lease.key);
  return outcomeFromStoredConnection(connection, lease.seen) ?? { kind: 'busy' };
}
