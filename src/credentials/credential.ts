import type { CredentialKey, CredentialVersions, KeyMissing } from '../contracts/activities.ts';
import { splitScopes } from '../contracts/scopes.ts';
import type { ConnectionReason } from '../contracts/step.ts';
import type { KeylessAuthMethod } from '../oauth/client-authentication.ts';
import type { OptionalParameter } from '../oauth/refresh-grant.ts';
import type { Vault } from '../vault/vault.ts';

/** What a refresh needs. Sealed as one JWE. */
export interface Grant {
  refreshToken?: string;
  tokenEndpoint: string;
  /** The user's own client; absent: the operator's client, or none. */
  clientId?: string;
  clientSecret?: string;
  tokenEndpointAuthMethod?: KeylessAuthMethod;
  /** As deposited; every refresh repeats it. */
  scopes?: string;
  /** RFC 8707. As deposited; every refresh repeats it byte for byte. */
  resource?: string;
  issuer?: string;
}

export type OpenedGrant =
  | { kind: 'opened'; grant: Grant }
  /** The key may still be rolling out to this process. */
  | KeyMissing
  | { kind: 'undecryptable' };

export async function openGrant(vault: Vault, key: CredentialKey, grantJwe: string): Promise<OpenedGrant> {
  const opened = await vault.open('grant', key, grantJwe);
  // The cast is safe: the vault opens only what `Grant` was sealed into.
  return opened.kind === 'opened' ? { kind: 'opened', grant: JSON.parse(opened.plaintext) as Grant } : opened;
}

/** The state of a user's connection to a server. */
export type ConnectionState =
  | { status: 'absent' }
  | { status: 'connected' }
  | { status: 'reauth-required'; reason: ConnectionReason };

/**
 * A stored credential, as renewals and calls see it. If there is none, `versions` are those that the first deposit
 * exceeds.
 */
export interface StoredCredential {
  state: ConnectionState;
  versions: CredentialVersions;
  grantJwe: string | null;
  accessTokenJwe: string | null;
  /** The access token is missing, or due by the database's clock. */
  stale: boolean;
  /** Milliseconds until the access token is due, by the same clock; absent if its lifetime is unknown. */
  dueInMs?: number;
  /** Milliseconds until the access token expires; absent if that is unknown. */
  expiresInMs?: number;
  clientSecretExpired: boolean;
  scopes: string[];
  /** What earlier refreshes have shown about the token endpoint. */
  learned: LearnedOfEndpoint;
  /** Milliseconds until the next refresh may be sent after a refusal in unknown words; 0: at once. */
  refreshInMs: number;
}

/**
 * The form of refresh that a credential's token endpoint accepts, as earlier refreshes have shown. A deposit resets it.
 */
export interface LearnedOfEndpoint {
  omittedParameters: readonly OptionalParameter[];
  /** The method that worked, if neither the deposit nor the registration states one. */
  authMethod?: KeylessAuthMethod;
}

/** The columns of `CREDENTIAL_COLUMNS`, as `pg` returns them. */
export interface CredentialRow {
  status: 'connected' | 'reauth-required' | 'disconnected' | null;
  reason: ConnectionReason | null;
  credential_version: string;
  token_version: string;
  grant_jwe: string | null;
  access_token_jwe: string | null;
  stale: boolean;
  due_in_ms: number | null;
  expires_in_ms: number | null;
  client_secret_expired: boolean;
  credential_scopes: string | null;
  omitted_parameters: OptionalParameter[] | null;
  learned_auth_method: KeylessAuthMethod | null;
  refresh_in_ms: number | null;
  server_changed: boolean;
}

/**
 * For a query in which `c` is `mcp_credential` and `s` is `mcp_server`. All times are the database's. Without a row the
 * versions are the floor, so that no reader sees a lower version after a tombstone was purged.
 */
export const CREDENTIAL_COLUMNS = `
  c.status, c.reason, c.scopes AS credential_scopes, c.grant_jwe, c.access_token_jwe,
  coalesce(c.credential_version, (SELECT credential_version FROM mcp_version_floor)) AS credential_version,
  coalesce(c.token_version, (SELECT token_version FROM mcp_version_floor)) AS token_version,
  c.access_token_jwe IS NULL OR coalesce(c.renew_after <= clock_timestamp(), false) AS stale,
  (extract(epoch FROM c.renew_after - clock_timestamp()) * 1000)::float8 AS due_in_ms,
  CASE WHEN c.expires_at >= c.renew_after
    THEN (extract(epoch FROM c.expires_at - clock_timestamp()) * 1000)::float8 END AS expires_in_ms,
  coalesce(c.client_secret_expires_at <= clock_timestamp(), false) AS client_secret_expired,
  c.omitted_parameters, c.learned_auth_method,
  ceil(extract(epoch FROM c.refresh_not_before - clock_timestamp()) * 1000)::float8 AS refresh_in_ms,
  c.server_revision <> s.revision AS server_changed`;

const NO_CREDENTIAL: Omit<StoredCredential, 'versions'> = {
  state: { status: 'absent' },
  grantJwe: null,
  accessTokenJwe: null,
  stale: true,
  clientSecretExpired: false,
  scopes: [],
  learned: { omittedParameters: [] },
  refreshInMs: 0,
};

export function credentialFromRow(row: CredentialRow): StoredCredential {
  const versions = {
    credentialVersion: Number(row.credential_version),
    tokenVersion: Number(row.token_version),
  };
  if (row.status === null) return { ...NO_CREDENTIAL, versions };
  return {
    state: connectionState(row),
    versions,
    grantJwe: row.grant_jwe,
    accessTokenJwe: row.access_token_jwe,
    stale: row.stale,
    ...(row.due_in_ms !== null && { dueInMs: row.due_in_ms }),
    ...(row.expires_in_ms !== null && { expiresInMs: row.expires_in_ms }),
    clientSecretExpired: row.client_secret_expired,
    scopes: splitScopes(row.credential_scopes),
    learned: {
      omittedParameters: row.omitted_parameters ?? [],
      ...(row.learned_auth_method !== null && { authMethod: row.learned_auth_method }),
    },
    refreshInMs: Math.max(row.refresh_in_ms ?? 0, 0),
  };
}

export function connectionState(
  row: Pick<CredentialRow, 'status' | 'reason' | 'server_changed'>,
): ConnectionState {
  if (row.status === null || row.status === 'disconnected') return { status: 'absent' };
  if (row.server_changed) return { status: 'reauth-required', reason: 'server-changed' };
  if (row.status === 'reauth-required') {
    return { status: 'reauth-required', reason: row.reason ?? 'invalid-grant' };
  }
  return { status: 'connected' };
}

/** Whether `stored` is newer than `seen`: a deposit, a disconnect or a renewal has happened meanwhile. */
export function isNewer(stored: CredentialVersions, seen: CredentialVersions): boolean {
  return stored.credentialVersion > seen.credentialVersion || stored.tokenVersion > seen.tokenVersion;
}
