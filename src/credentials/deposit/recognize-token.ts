/**
 * Recognizes a deposited refresh token by its fingerprint: as the current one of its row, as a spent one, or as
 * unknown. If a spent token counted as a new one, it would be sent, and the authorization server would revoke the whole
 * grant.
 */
import type { CredentialKey } from '../../contracts/activities.ts';
import { fingerprintUnder, kidOfFingerprint } from '../../vault/key-ring.ts';
import { type FingerprintDependencies, readRetiredKeys } from './fingerprint-key-store.ts';

/** The part of a row that a refresh token is recognized by. */
interface StoredFingerprints {
  status: string;
  refresh_fingerprint: string | null;
  spent_fingerprints: string[];
}

/** The fingerprints that a row may know a refresh token by. */
export interface KnownFingerprints {
  /** One for each available key, the first key of the ring first. */
  all: string[];
  /**
   * Whether a fingerprint under this key is certainly one of another token if `all` does not contain it. False: the key
   * is not available here, so the fingerprint may be one of this token.
   */
  isConclusive(kid: string): boolean;
}

/** Computes the fingerprints that the row of this user and server may know `refreshToken` by. */
export async function knownFingerprints(
  deps: FingerprintDependencies,
  key: CredentialKey,
  refreshToken: string,
): Promise<KnownFingerprints> {
  const { available, lost } = await readRetiredKeys(deps);
  const known = [...deps.keyRing.fingerprintKeys, ...available];
  const conclusive = new Set([...known.map(({ kid }) => kid), ...lost]);
  return {
    all: known.map((one) => fingerprintUnder(one, refreshToken, key)),
    isConclusive: (kid) => conclusive.has(kid),
  };
}

export type TokenRelation = 'current' | 'spent';

/** Undefined: the token is unknown here, or was the current one of a connection that has been disconnected. */
export function tokenRelation(
  current: StoredFingerprints,
  known: KnownFingerprints,
): TokenRelation | undefined {
  if (current.spent_fingerprints.some((one) => known.all.includes(one))) return 'spent';
  const isCurrent = known.all.includes(current.refresh_fingerprint ?? '');
  return isCurrent && current.status !== 'disconnected' ? 'current' : undefined;
}

/** The id of a key that must be available before the token can count as unknown. Undefined: none is missing. */
export function missingFingerprintKeyId(
  current: StoredFingerprints,
  known: KnownFingerprints,
): string | undefined {
  const fingerprints = [current.refresh_fingerprint ?? [], current.spent_fingerprints].flat();
  return fingerprints.map(kidOfFingerprint).find((kid) => !known.isConclusive(kid));
}
