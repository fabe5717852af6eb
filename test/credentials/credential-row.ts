import { expect } from 'vitest';
import type { CredentialKey, CredentialVersions } from '../../src/contracts/activities.ts';
import type { Grant } from '../../src/credentials/credential.ts';
import { keyValues, OF_KEY } from '../../src/credentials/credential-key.ts';
import type { Db } from '../../src/db/pool.ts';
import type { Vault } from '../../src/vault/vault.ts';

/** The columns of `mcp_credential` that the refresh protocol uses. */
export interface CredentialRowView extends CredentialVersions {
  status: string;
  reason: string | null;
  grantSeq: number;
  storedSeq: number;
  isLeased: boolean;
}

export async function readRow(db: Db, key: CredentialKey): Promise<CredentialRowView> {
  const { rows } = await db.query<CredentialRowView>(
    `SELECT status, reason, credential_version::int AS "credentialVersion",
            token_version::int AS "tokenVersion", grant_seq::int AS "grantSeq",
            stored_seq::int AS "storedSeq", lease_id IS NOT NULL AS "isLeased"
       FROM mcp_credential WHERE ${OF_KEY}`,
    keyValues(key),
  );
  if (rows[0] === undefined) throw new Error('there is no such credential');
  return rows[0];
}

export async function readVersions(db: Db, key: CredentialKey): Promise<CredentialVersions> {
  const { credentialVersion, tokenVersion } = await readRow(db, key);
  return { credentialVersion, tokenVersion };
}

/** Reads the whole seconds until the access token is due, by the database's clock. */
export function readRenewAfter(db: Db, key: CredentialKey): Promise<number | null> {
  return secondsUntil(db, key, 'renew_after');
}

/** Reads the whole seconds until the access token expires, by the database's clock. */
export function readExpiresIn(db: Db, key: CredentialKey): Promise<number | null> {
  return secondsUntil(db, key, 'expires_at');
}

/** Expects that `before` seconds were left a moment ago, by default at most 10 s. */
export function expectLeft(seconds: number | null, before: number, agoSeconds = 10): void {
  expect(seconds).toBeLessThanOrEqual(before);
  expect(seconds).toBeGreaterThan(before - agoSeconds);
}

async function secondsUntil(db: Db, key: CredentialKey, column: string): Promise<number | null> {
  const { rows } = await db.query<{ seconds: number | null }>(
    `SELECT round(extract(epoch FROM ${column} - clock_timestamp()))::float AS seconds
       FROM mcp_credential WHERE ${OF_KEY}`,
    keyValues(key),
  );
  return rows[0]?.seconds ?? null;
}

/** Reads the time at which the access token is due, as text. */
export async function readDueTime(db: Db, key: CredentialKey): Promise<string | undefined> {
  const { rows } = await db.query<{ due: string }>(
    `SELECT renew_after::text AS due FROM mcp_credential WHERE ${OF_KEY}`,
    keyValues(key),
  );
  return rows[0]?.due;
}

/** Reads and decrypts the stored tokens. */
export async function readTokens(
  { pool, vault }: { pool: Db; vault: Vault },
  key: CredentialKey,
): Promise<{ grant?: Grant; accessToken?: string }> {
  const { rows } = await pool.query<{ grant_jwe: string | null; access_token_jwe: string | null }>(
    `SELECT grant_jwe, access_token_jwe FROM mcp_credential WHERE ${OF_KEY}`,
    keyValues(key),
  );
  const grant = await open(vault, 'grant', key, rows[0]?.grant_jwe);
  const accessToken = await open(vault, 'access-token', key, rows[0]?.access_token_jwe);
  return {
    ...(grant !== undefined && { grant: JSON.parse(grant) }),
    ...(accessToken !== undefined && { accessToken }),
  };
}

async function open(
  vault: Vault,
  purpose: 'grant' | 'access-token',
  key: CredentialKey,
  jwe: string | null | undefined,
): Promise<string | undefined> {
  if (jwe == null) return undefined;
  const opened = await vault.open(purpose, key, jwe);
  if (opened.kind !== 'opened') throw new Error(`${purpose}: ${opened.kind}`);
  return opened.plaintext;
}

/** Changes the row with SQL assignments. */
export async function patchRow(db: Db, key: CredentialKey, assignments: string): Promise<void> {
  await db.query(`UPDATE mcp_credential SET ${assignments} WHERE ${OF_KEY}`, keyValues(key));
}

/** Makes the grant look sealed with a missing key. Returns the former value, so that a test can restore it. */
export async function loseKeyOfGrant(db: Db, key: CredentialKey): Promise<string> {
  const { rows } = await db.query<{ jwe: string }>(
    `SELECT grant_jwe AS jwe FROM mcp_credential WHERE ${OF_KEY}`,
    keyValues(key),
  );
  const [header = '', ...rest] = rows[0]?.jwe.split('.') ?? [];
  const protectedHeader = JSON.parse(Buffer.from(header, 'base64url').toString());
  const withoutKey = Buffer.from(JSON.stringify({ ...protectedHeader, kid: 'gone' })).toString('base64url');
  await patchRow(db, key, `grant_jwe = '${[withoutKey, ...rest].join('.')}'`);
  return [header, ...rest].join('.');
}
