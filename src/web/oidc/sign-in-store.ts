import type { Db } from '../../db/pool.ts';
import { hashOpaqueToken } from '../../vault/opaque-token.ts';
import type { Vault } from '../../vault/vault.ts';

/** What has to be known when the browser comes back from the provider. */
export interface PendingSignIn {
  nonce: string;
  codeVerifier: string;
  /** A path below PUBLIC_URL. */
  returnTo: string;
}

export interface SignInStoreDependencies {
  db: Db;
  vault: Vault;
}

/** By the database's clock. */
const LIFETIME = "interval '10 minutes'";
const BATCH_SIZE = 10_000;

export async function storeSignIn(
  { db, vault }: SignInStoreDependencies,
  { state, browserHash, ...pending }: PendingSignIn & { state: string; browserHash: string },
): Promise<void> {
  const stateHash = hashOfState(state);
  await db.query('INSERT INTO mcp_oidc_sign_in (state_hash, browser_hash, sign_in_jwe) VALUES ($1, $2, $3)', [
    stateHash,
    browserHash,
    await vault.seal('oidc-sign-in', { stateHash }, pending),
  ]);
}

/**
 * Returns a sign-in and deletes it, so that its state is used once. Undefined if the state is unknown, used or too old,
 * if another browser began the sign-in, or if the key that sealed it is gone: the user then signs in again.
 */
export async function takeSignIn(
  { db, vault }: SignInStoreDependencies,
  state: string,
  browserHash: string,
): Promise<PendingSignIn | undefined> {
  const stateHash = hashOfState(state);
  const { rows } = await db.query<{ sign_in_jwe: string }>(
    `DELETE FROM mcp_oidc_sign_in
      WHERE state_hash = $1 AND browser_hash = $2 AND created_at > now() - ${LIFETIME} RETURNING sign_in_jwe`,
    [stateHash, browserHash],
  );
  if (rows[0] === undefined) return undefined;
  const opened = await vault.open('oidc-sign-in', { stateHash }, rows[0].sign_in_jwe);
  // The cast is safe: the vault opens only what `storeSignIn` sealed.
  return opened.kind === 'opened' ? (JSON.parse(opened.plaintext) as PendingSignIn) : undefined;
}

/** Deletes sign-ins that are too old, at most 10,000 per call. Returns their number. */
export async function deleteExpiredSignIns(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM mcp_oidc_sign_in WHERE state_hash IN (
       SELECT state_hash FROM mcp_oidc_sign_in WHERE created_at <= now() - ${LIFETIME} LIMIT ${BATCH_SIZE})`,
  );
  return rowCount ?? 0;
}

function hashOfState(state: string): string {
  return hashOpaqueToken(state).toString('base64url');
}
