import type { CredentialKey } from '../../contracts/activities.ts';
import { type GrantDeposit, grantOf } from './deposited-grant.ts';
import type { FingerprintDependencies } from './fingerprint-key-store.ts';
import { type KnownFingerprints, knownFingerprints } from './recognize-token.ts';

/** A deposit as the database stores it, and what its refresh token is recognized by. */
export interface SealedDeposit {
  grantJwe: string;
  accessTokenJwe: string | null;
  /** Null: the grant has no refresh token. */
  fingerprint: string | null;
  accessFingerprint: string | null;
  /** Undefined: the deposit has no refresh token that could be recognized. */
  known: KnownFingerprints | undefined;
}

export async function sealDeposit(
  { db, vault, keyRing }: FingerprintDependencies,
  key: CredentialKey,
  deposit: GrantDeposit,
): Promise<SealedDeposit> {
  const { refreshToken, accessToken } = deposit;
  return {
    grantJwe: await vault.seal('grant', key, grantOf(deposit)),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    fingerprint: refreshToken === undefined ? null : keyRing.fingerprint(refreshToken, key),
    accessFingerprint: accessToken === undefined ? null : keyRing.fingerprint(accessToken, key),
    known:
      refreshToken === undefined
        ? undefined
        : await knownFingerprints({ db, vault, keyRing }, key, refreshToken),
  };
}
