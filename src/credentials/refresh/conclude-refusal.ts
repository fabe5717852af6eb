import { basicCredentials } from '../../oauth/client-authentication.ts';
import type { Refusal } from '../../oauth/refusal.ts';
import type { Connection } from '../credential-store.ts';
import { askAgainOrUser, endWithVerdict, misconfigured, unavailable } from './end-renewal.ts';
import type { HeldLease } from './lease.ts';
import { clearIntent } from './lease-store.ts';
import type { RefreshPlan } from './prepare-refresh.ts';
import { createRefreshLog } from './refresh-log.ts';
import type { LeaseDependencies } from './renewal-dependencies.ts';
import type { RenewalOutcome } from './renewal-outcome.ts';
import { judgeRefusal, loggableCode } from './token-endpoint-errors.ts';

export interface RefusedRefresh {
  connection: Connection;
  plan: RefreshPlan;
  refusal: Refusal & { retryAfterMs?: number };
  /** The number of its intent. */
  intent: number;
  /** The answer to an earlier refresh with the same token was lost. */
  outcomeLost: boolean;
}

/** Decides who can help after the token endpoint has said no, in every form that there was to try. */
export async function concludeRefusal(
  deps: LeaseDependencies,
  lease: HeldLease,
  refused: RefusedRefresh,
): Promise<RenewalOutcome> {
  const { plan, refusal, intent, outcomeLost } = refused;
  const { kind } = judgeRefusal(refusal);
  const code = codeOf(plan, refusal);
  createRefreshLog(deps.logger, lease.key).failed(code);
  // A lost answer may still be brought back, and what was sent after it was a spent token: a server that detects reuse
  // has revoked what comes back. The intent stays, so that the user is told the same then.
  if (kind === 'dead-grant' && outcomeLost) return endWithVerdict(deps, lease, 'refresh-outcome-lost');
  if (kind === 'transient') return unavailable({ ...refusal, cause: 'oauth-error' });
  await clearIntent(deps.db, lease, intent);
  switch (kind) {
    case 'dead-grant':
      return endWithVerdict(deps, lease, 'invalid-grant');
    case 'person-needed':
      return endWithVerdict(deps, lease, 'refresh-refused');
    case 'client-refused':
      return plan.isOperatorClient
        ? operatorClientRefused(deps, lease, refused, code)
        : endWithVerdict(deps, lease, 'invalid-client');
    case 'parameter-refused':
    case 'misconfigured':
      return misconfigured(deps, lease, {
        message: `the authorization server refuses the refresh: ${code}`,
      });
    case 'other':
      return askAgainOrUser(deps, lease, refusal.retryAfterMs);
    default:
      return kind satisfies never;
  }
}

/** What the log says of a refusal; never what was sent. */
export function codeOf({ request }: RefreshPlan, refusal: Refusal): string {
  const { refreshToken, clientId = '', clientSecret } = request;
  const secrets = clientSecret === undefined ? [] : [clientSecret, basicCredentials(clientId, clientSecret)];
  return loggableCode(refusal, [refreshToken, ...secrets]);
}

function operatorClientRefused(
  deps: LeaseDependencies,
  lease: HeldLease,
  { connection }: RefusedRefresh,
  code: string,
): Promise<RenewalOutcome> {
  deps.operatorClientRefusals.add(connection.server, lease.key, code);
  return misconfigured(deps, lease, whatOperatorMustDo(code));
}

export function whatOperatorMustDo(code: string): { message: string; clientRefused: string } {
  return {
    message:
      `the authorization server refuses the client that is registered for this MCP server (${code}): ` +
      'the operator must register the server again with the right clientId and clientSecret',
    clientRefused: code,
  };
}
