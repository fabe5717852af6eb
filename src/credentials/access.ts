import type { CredentialKey, CredentialVersions } from '../contracts/activities.ts';
import type { ConnectionReason } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';
import { addressOf, type RegisteredServer, type ServerSecrets } from '../servers/registered-server.ts';
import { openServerSecrets } from '../servers/server-secrets.ts';
import type { Vault } from '../vault/vault.ts';
import { type Clock, startStopwatch, systemClock } from './clock.ts';
import type { StoredCredential } from './credential.ts';
import { readConnection } from './credential-store.ts';

/** What a user may call a server with, or why not. */
export type Access =
  | {
      kind: 'ready';
      server: RegisteredServer;
      /** Where it is asked; may hold keys in its query. */
      url: string;
      headers: Record<string, string>;
      /** An access token or the registered bearer token; absent for open servers. */
      bearerToken?: string;
      /** Whether the access token has become due since; absent where its lifetime is not known. */
      tokenIsDue?: () => boolean;
      /** The token is the one that the caller has just renewed, or newer: it is used until it expires. */
      tokenJustRenewed?: boolean;
      /** Whether the access token has expired since; absent where that is not known. */
      tokenIsExpired?: () => boolean;
      /** Whether the store still holds this very access token, and not as due. Never rejects. */
      tokenIsCurrent?: () => Promise<boolean>;
      versions: CredentialVersions;
      /** What the user has consented to, as far as it is known. */
      grantedScopes: string[];
      /** Calls that were scheduled before may have been made in a time that Temporal has lost. */
      callsLostBefore?: Date;
    }
  /** The access token is missing or due for renewal. */
  | { kind: 'token-stale'; seen: CredentialVersions }
  | { kind: 'reauth-required'; seen: CredentialVersions; reason: ConnectionReason | 'not-connected' }
  | { kind: 'unknown-server' }
  /** A key that rows still use is not configured here; it may be on its way. */
  | { kind: 'key-missing'; kid: string }
  | { kind: 'misconfigured'; message: string };

export type ReadyAccess = Extract<Access, { kind: 'ready' }>;

/** A 401 that no user can help with, so none is asked. */
export const OPERATOR_CREDENTIAL_REFUSED = "the MCP server refuses the operator's credential";

export interface AccessDependencies {
  db: Db;
  vault: Vault;
  /** Default: the system's. */
  clock?: Pick<Clock, 'monotonicMs' | 'wallMs'>;
}

/**
 * A token that was just renewed and is due already has a very short life. One that has been due for longer was
 * left lying meanwhile, by a step that found no worker for instance. After its expiry it is not used at all, where
 * that is known: a token that never had any time left is the one exception, or no call would ever be made with it.
 */
const JUST_RENEWED_FOR_MS = 30_000;

/**
 * Reads what a call needs, in one statement: the database is the token cache, so a deposit, disconnect or
 * renewal anywhere is seen everywhere at once.
 *
 * @param justRenewed the token version that the caller has just renewed: it, or a newer one, is used until it
 *   expires though it is due, or a token of a very short lifetime would be renewed without end
 */
export async function readAccess(
  deps: AccessDependencies,
  key: CredentialKey,
  justRenewed?: number,
): Promise<Access> {
  // Started before the database looks at its clock, so that a token is never taken for good for too long.
  const elapsedMs = startStopwatch(deps.clock ?? systemClock);
  const connection = await readConnection(deps.db, key);
  if (connection === undefined) return { kind: 'unknown-server' };
  const { server, secretJwe, credential, callsLostBefore } = connection;
  const opened = await openServerSecrets(deps.vault, server.id, secretJwe);
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'misconfigured', message: opened.message };
  const { headers = {}, token }: ServerSecrets = opened.secrets;
  const ready: ReadyAccess = {
    kind: 'ready',
    server,
    url: addressOf(server, opened.secrets),
    headers,
    versions: credential.versions,
    grantedScopes: credential.scopes,
    ...(callsLostBefore && { callsLostBefore }),
  };
  switch (server.auth.type) {
    case 'none':
      return ready;
    case 'bearer':
      return token === undefined
        ? { kind: 'misconfigured', message: 'the MCP server has no bearer token: register it again' }
        : { ...ready, bearerToken: token };
    case 'oauth2':
      return withAccessToken(deps, key, connection.credential, { ready, justRenewed, elapsedMs });
    default:
      return server.auth satisfies never;
  }
}

async function withAccessToken(
  deps: AccessDependencies,
  key: CredentialKey,
  credential: StoredCredential,
  call: { ready: ReadyAccess; justRenewed: number | undefined; elapsedMs: () => number },
): Promise<Access> {
  const { state, versions, accessTokenJwe, stale, dueInMs, expiresInMs } = credential;
  if (state.status !== 'connected') {
    const reason = state.status === 'absent' ? 'not-connected' : state.reason;
    return { kind: 'reauth-required', seen: versions, reason };
  }
  const isNew = wasJustRenewed(credential, call.justRenewed);
  const isDue = stale && !isNew;
  if (accessTokenJwe === null || isDue) return { kind: 'token-stale', seen: versions };
  const opened = await deps.vault.open('access-token', key, accessTokenJwe);
  if (opened.kind === 'key-missing') return opened;
  // A token that does not open is replaced by renewing it; whether the grant opens, renewal will see.
  if (opened.kind === 'undecryptable') return { kind: 'token-stale', seen: versions };
  return {
    ...call.ready,
    bearerToken: opened.plaintext,
    ...(isNew && { tokenJustRenewed: true }),
    tokenIsCurrent: () => isCurrent(deps, key, versions),
    ...(dueInMs !== undefined && { tokenIsDue: () => call.elapsedMs() >= dueInMs }),
    ...(expiresInMs !== undefined && { tokenIsExpired: () => call.elapsedMs() >= expiresInMs }),
  };
}

async function isCurrent(
  { db }: AccessDependencies,
  key: CredentialKey,
  { tokenVersion }: CredentialVersions,
): Promise<boolean> {
  // A store that can't be read says nothing good of it.
  const connection = await readConnection(db, key).catch(() => undefined);
  if (connection === undefined) return false;
  const { state, stale, versions } = connection.credential;
  return state.status === 'connected' && !stale && versions.tokenVersion === tokenVersion;
}

function wasJustRenewed(
  { versions, dueInMs, expiresInMs = 1 }: StoredCredential,
  justRenewed: number | undefined,
): boolean {
  // One that somebody else has renewed since is no older.
  const isNew = justRenewed !== undefined && versions.tokenVersion >= justRenewed;
  return isNew && expiresInMs > 0 && (dueInMs === undefined || dueInMs > -JUST_RENEWED_FOR_MS);
}
