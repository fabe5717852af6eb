import type { Obstacle } from '../contracts/activities.ts';
import { TOO_MANY_CALLS } from '../contracts/too-many-calls.ts';
import { type Access, OPERATOR_CREDENTIAL_REFUSED, type ReadyAccess } from '../credentials/access.ts';
import type { RefusedByServer } from '../mcp/port.ts';

/** What keeps a call from being made at all. */
export function obstacleOfAccess(access: Exclude<Access, ReadyAccess>): Obstacle {
  switch (access.kind) {
    case 'token-stale':
    case 'reauth-required':
    case 'key-missing':
      return access;
    case 'unknown-server':
      return { kind: 'failed', code: 'misconfigured', message: 'the MCP server is not registered' };
    case 'misconfigured':
      return { kind: 'failed', code: 'misconfigured', message: access.message };
    default:
      return access satisfies never;
  }
}

/** What a server's 401 or challenge means for the user, if a user can help at all. */
export function obstacleOfRefusal(refusal: RefusedByServer, access: ReadyAccess): Obstacle {
  const { server, versions: seen } = access;
  if (server.auth.type !== 'oauth2') {
    return {
      kind: 'failed',
      code: 'misconfigured',
      message: OPERATOR_CREDENTIAL_REFUSED,
    };
  }
  if (refusal.kind === 'unauthorized') return { kind: 'unauthorized', seen };
  const { challengedScopes } = refusal;
  // Asking for the challenged scopes alone would take away what was granted before.
  const requiredScopes = [...new Set([...access.grantedScopes, ...challengedScopes])];
  return { kind: 'insufficient-scope', seen, challengedScopes, requiredScopes };
}

export function storeUnavailable(): Obstacle {
  return { kind: 'not-sent', cause: 'store-unavailable' };
}

/** Before anything was read or sent: the slot is free again at once. */
export function tooManyCalls(retryAfterMs: number): Obstacle {
  return { kind: 'not-sent', cause: TOO_MANY_CALLS, retryAfterMs };
}
