/**
 * Reads what a user's call to an MCP server needs: address, headers and token. Every caller enters here; the stored
 * token must not be read from the database directly, because this is where a due token is withheld. Renewing it is the
 * caller's part, with `refresh/renewal.ts`.
 */
import type {
  CredentialKey,
  CredentialVersions,
  KeyMissing,
  Misconfigured,
  ReauthRequired,
} from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';
import { addressOf, type RegisteredServer, type ServerSecrets } from '../servers/registered-server.ts';
import { openServerSecrets } from '../servers/server-secrets.ts';
import type { Vault } from '../vault/vault.ts';
import { type Clock, startStopwatch, systemClock } from './clock.ts';
import { openGrant, type StoredCredential } from './credential.ts';
import { type Connection, readConnection } from './credential-store.ts';

/** What a user may call a server with, or why they can't. */
export type Access =
  | {
      kind: 'ready';
      server: RegisteredServer;
      /** The server's address; its query may hold secrets. */
      url: string;
      headers: Record<string, string>;
      /** An access token or the registered bearer token; absent for open servers. */
      bearerToken?: string;
      /** Whether the access token has become due since; absent if its lifetime is unknown. */
      tokenIsDue?: () => boolean;
      /** The token is the one that the caller has just renewed, or a newer one: it is used until it expires. */
      tokenJustRenewed?: boolean;
      /** Whether the access token has expired since; absent if that is unknown. */
      tokenIsExpired?: () => boolean;
      /** Whether this access token is still the stored one, and not due. Never rejects. */
      tokenIsCurrent?: () => Promise<boolean>;
      versions: CredentialVersions;
      /** The scopes that the user has consented to, as far as they are known. */
      grantedScopes: string[];
      /** What their consent in our own flow was asked for. Undefined: it is unknown. Never rejects. */
      requestedScopes?: () => Promise<string[] | undefined>;
      /** When Temporal was restored from a backup. A call that was scheduled before may have been made already. */
      temporalRestoredAt?: Date;
    }
  /** The access token is missing or due for renewal. */
  | { kind: 'token-stale'; seen: CredentialVersions }
  | ReauthRequired
  | { kind: 'unknown-server' }
  | KeyMissing
  | Misconfigured;

export type ReadyAccess = Extract<Access, { kind: 'ready' }>;

/** A 401 that no user can help with, so the step does not wait for one. */
export const OPERATOR_CREDENTIAL_REFUSED = "the MCP server refuses the operator's credential";

export interface AccessDependencies {
  db: Db;
  vault: Vault;
  /** Default: the system's. */
  clock?: Pick<Clock, 'monotonicMs' | 'wallMs'>;
}

/**
 * How long a token that the caller has just renewed is used although it is due: its lifetime is very short. A token
 * that has been due for longer has waited meanwhile, for example because its step found no worker.
 */
const DUE_TOKEN_GRACE_MS = 30_000;

/** What a step may call a server with. A step of a paused server waits. */
export type StepAccess = Access | { kind: 'server-paused' };

/** Reads what the call of a step needs, as `readAccess` does. The pause of the server comes before all else. */
export async function readStepAccess(
  deps: AccessDependencies,
  key: CredentialKey,
  justRenewed?: number,
): Promise<StepAccess> {
  const elapsedMs = startStopwatch(deps.clock ?? systemClock);
  const connection = await readConnection(deps.db, key);
  if (connection?.server.paused) return { kind: 'server-paused' };
  return accessOf(deps, key, { connection, justRenewed, elapsedMs });
}

/**
 * Reads in one statement what a call needs. The database is the token cache, so a deposit, disconnect or renewal by any
 * process is seen by all of them at once.
 *
 * @param justRenewed the token version that the caller has just renewed: this token, or a newer one, is used until it
 *   expires although it is due, because a token with a very short lifetime would be renewed without end otherwise
 */
export async function readAccess(
  deps: AccessDependencies,
  key: CredentialKey,
  justRenewed?: number,
): Promise<Access> {
  const elapsedMs = startStopwatch(deps.clock ?? systemClock);
  const connection = await readConnection(deps.db, key);
  return accessOf(deps, key, { connection, justRenewed, elapsedMs });
}

interface ReadConnection {
  connection: Connection | undefined;
  justRenewed: number | undefined;
  /** Started before the database read its clock, so that a token never counts as good for too long. */
  elapsedMs: () => number;
}

async function accessOf(
  deps: AccessDependencies,
  key: CredentialKey,
  { connection, justRenewed, elapsedMs }: ReadConnection,
): Promise<Access> {
  if (connection === undefined) return { kind: 'unknown-server' };
  const { server, secretJwe, credential } = connection;
  const opened = await openServerSecrets(deps.vault, server.id, secretJwe);
  if (opened.kind === 'key-missing') return opened;
  if (opened.kind === 'undecryptable') return { kind: 'misconfigured', message: opened.message };
  const { token } = opened.secrets;
  const ready = withoutToken(connection, opened.secrets);
  switch (server.auth.type) {
    case 'none':
      return ready;
    case 'bearer':
      return token === undefined
        ? { kind: 'misconfigured', message: 'the MCP server has no bearer token: register it again' }
        : { ...ready, bearerToken: token };
    case 'oauth2':
      return withAccessToken(deps, key, credential, { ready, justRenewed, elapsedMs });
    default:
      return server.auth satisfies never;
  }
}

function withoutToken(
  { server, credential, temporalRestoredAt }: Connection,
  secrets: ServerSecrets,
): ReadyAccess {
  return {
    kind: 'ready',
    server,
    url: addressOf(server, secrets),
    headers: secrets.headers ?? {},
    versions: credential.versions,
    grantedScopes: credential.scopes,
    ...(temporalRestoredAt && { temporalRestoredAt }),
  };
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
  // A renewal replaces a token that can't be decrypted, and finds out whether the grant can.
  if (opened.kind === 'undecryptable') return { kind: 'token-stale', seen: versions };
  return {
    ...call.ready,
    bearerToken: opened.plaintext,
    ...(isNew && { tokenJustRenewed: true }),
    requestedScopes: () => requestedScopes(deps.vault, key, credential),
    tokenIsCurrent: () => isCurrent(deps, key, versions),
    ...(dueInMs !== undefined && { tokenIsDue: () => call.elapsedMs() >= dueInMs }),
    ...(expiresInMs !== undefined && { tokenIsExpired: () => call.elapsedMs() >= expiresInMs }),
  };
}

async function requestedScopes(
  vault: Vault,
  key: CredentialKey,
  { grantJwe }: StoredCredential,
): Promise<string[] | undefined> {
  const opened = grantJwe === null ? undefined : await openGrant(vault, key, grantJwe);
  return opened?.kind === 'opened' ? opened.grant.requestedScopes?.split(' ') : undefined;
}

async function isCurrent(
  { db }: AccessDependencies,
  key: CredentialKey,
  { tokenVersion }: CredentialVersions,
): Promise<boolean> {
  // If the store can't be read, the token does not count as current.
  const connection = await readConnection(db, key).catch(() => undefined);
  if (connection === undefined) return false;
  const { state, stale, versions } = connection.credential;
  return state.status === 'connected' && !stale && versions.tokenVersion === tokenVersion;
}

// An expired token is never used. The exception is a token that never had any time left (`expiresInMs` is absent then):
// no call would ever be made with it otherwise.
function wasJustRenewed(
  { versions, dueInMs, expiresInMs = 1 }: StoredCredential,
  justRenewed: number | undefined,
): boolean {
  // A token that another process has renewed since then counts as new, too.
  const isNew = justRenewed !== undefined && versions.tokenVersion >= justRenewed;
  return isNew && expiresInMs > 0 && (dueInMs === undefined || dueInMs > -DUE_TOKEN_GRACE_MS);
}
