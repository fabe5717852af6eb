import { splitScopes } from '../contracts/scopes.ts';
import { buildAuthorizationUrl } from '../oauth/authorization-request.ts';
import { createOpaqueToken, hashOpaqueToken } from '../vault/opaque-token.ts';
import type { FlowClient } from './clients/choose-client.ts';
import type { ConnectDependencies } from './dependencies.ts';
import type { FlowRefusal } from './flow-refusal.ts';
import { type PreparedAuthorization, prepareAuthorization } from './prepare-authorization.ts';
import { AUTHORIZATION_MINUTES, insertAuthorization } from './sessions/authorization-store.ts';
import type { ConnectSession } from './sessions/connect-session.ts';
import { failSession, openSession } from './sessions/session-store.ts';

/** What the callback needs to know of its authorization request. Sealed. */
export interface AuthorizationUnderWay {
  codeVerifier: string;
  /** Absent: the request has none, so an ID token has none either. */
  nonce?: string;
  metadata: PreparedAuthorization['metadata'];
  client: FlowClient;
  redirectUri: string;
  resource?: string;
  scope?: string;
  serverRevision: number;
}

export type BeginOutcome =
  /** The browser has to go there. */
  { kind: 'redirect'; url: URL } | FlowRefusal;

/**
 * Begins an authorization in a connect session. Binds it to this browser: another browser can't complete it.
 *
 * @param browserHash SHA-256 of the browser's cookie
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.7.1
 */
export async function beginAuthorization(
  deps: ConnectDependencies,
  session: ConnectSession,
  browserHash: string,
): Promise<BeginOutcome> {
  const opened = { id: session.id, browserHash, minutes: AUTHORIZATION_MINUTES };
  if (!(await openSession(deps.db, opened))) {
    return {
      kind: 'refused',
      code: 'link-used',
      message: 'the link has been used, perhaps by another browser',
    };
  }
  const outcome = await prepareAuthorization(deps, session.key, session.status === 'failed');
  if (outcome.kind === 'refused') return noteRefusal(deps, session, outcome);
  return { kind: 'redirect', url: await createAuthorization(deps, { session, browserHash, ...outcome }) };
}

async function noteRefusal(
  { db, logger }: ConnectDependencies,
  { id, key }: ConnectSession,
  refusal: FlowRefusal,
): Promise<FlowRefusal> {
  const { code, message } = refusal;
  logger.warn({ ...key, connectSessionId: id, code }, `a user can't be connected: ${message}`);
  await failSession(db, { id, status: 'failed', code, detail: message });
  return refusal;
}

async function createAuthorization(
  { db, vault }: ConnectDependencies,
  {
    session,
    browserHash,
    prepared,
  }: { session: ConnectSession; browserHash: string; prepared: PreparedAuthorization },
): Promise<URL> {
  const { authorizationParams, ...request } = prepared;
  const state = createOpaqueToken();
  const underWay: AuthorizationUnderWay = {
    ...request,
    codeVerifier: createOpaqueToken(),
    // Other servers than OpenID providers may refuse a parameter that they don't know.
    ...(splitScopes(request.scope).includes('openid') && { nonce: createOpaqueToken() }),
  };
  const { userId, mcpServerId } = session.key;
  const binding = { userId, mcpServerId };
  await insertAuthorization(db, hashOpaqueToken(state).toString('base64url'), {
    ...binding,
    connectSessionId: session.id,
    browserHash,
    requestJwe: await vault.seal('authorization', binding, underWay),
  });
  return buildAuthorizationUrl({
    ...underWay,
    clientId: underWay.client.clientId,
    state,
    ...(session.loginHint !== undefined && { loginHint: session.loginHint }),
    ...(authorizationParams && { extra: authorizationParams }),
  });
}
