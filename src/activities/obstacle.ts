import { type Obstacle, SERVER_PAUSED, TOO_MANY_CALLS } from '../contracts/activities.ts';
import { OPERATOR_CREDENTIAL_REFUSED, type ReadyAccess, type StepAccess } from '../credentials/access.ts';
import type { RefusedByServer } from '../mcp/port.ts';

/** Maps access to a credential that can't be used to the obstacle of the call. */
export function obstacleOfAccess(access: Exclude<StepAccess, ReadyAccess>): Obstacle {
  switch (access.kind) {
    case 'token-stale':
    case 'reauth-required':
    case 'key-missing':
      return access;
    case 'server-paused':
      return { kind: 'not-sent', cause: SERVER_PAUSED };
    case 'unknown-server':
      return { kind: 'failed', code: 'misconfigured', message: 'the MCP server is not registered' };
    case 'misconfigured':
      return { kind: 'failed', code: 'misconfigured', message: access.message };
    default:
      return access satisfies never;
  }
}

/** Maps a server's 401 or challenge to the obstacle of the call. Only for OAuth can the user help. */
export async function obstacleOfRefusal(refusal: RefusedByServer, access: ReadyAccess): Promise<Obstacle> {
  const { server, versions: seen } = access;
  if (server.auth.type !== 'oauth2') {
    return {
      kind: 'failed',
      code: 'misconfigured',
      message: OPERATOR_CREDENTIAL_REFUSED,
    };
  }
  if (refusal.kind === 'unauthorized') {
    return { kind: 'unauthorized', seen, ...(access.tokenIsExpired?.() && { expired: true }) };
  }
  const { challengedScopes } = refusal;
  // Consent to the challenged scopes alone would revoke the granted ones.
  const requiredScopes = [...new Set([...access.grantedScopes, ...challengedScopes])];
  const requestedScopes = await access.requestedScopes?.();
  const obstacle = { kind: 'insufficient-scope', seen, challengedScopes, requiredScopes } as const;
  return requestedScopes === undefined ? obstacle : { ...obstacle, requestedScopes };
}

export function storeUnavailable(): Obstacle {
  return { kind: 'not-sent', cause: 'store-unavailable' };
}

/** Returned before anything is read or sent, so that the activity slot is free at once. */
export function tooManyCalls(retryAfterMs: number): Obstacle {
  return { kind: 'not-sent', cause: TOO_MANY_CALLS, retryAfterMs };
}
