import { randomUUID } from 'node:crypto';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import {
  clearIntent,
  extendLease,
  type Lease,
  recordIntent,
  releaseLease,
  takeLease,
} from '../../../src/credentials/refresh/lease-store.ts';
import {
  countRefusal,
  markReauthRequired,
  markTokenRejected,
} from '../../../src/credentials/refresh/refusal-store.ts';
import {
  type RenewedTokens,
  readAmendedGrant,
  storeRenewal,
} from '../../../src/credentials/refresh/renewal-store.ts';
import { done, type HotPath } from './hot-path.ts';

const FIRST = { credentialVersion: 1, tokenVersion: 1 };
const INTENT = 1;

const TOKENS: RenewedTokens = {
  grantJwe: 'renewed',
  accessTokenJwe: 'renewed',
  renewAfterSeconds: 3_000,
  expiresInSeconds: 3_600,
  scopes: undefined,
  fingerprint: 'k1.renewed',
  spentFingerprint: 'k1.spent',
};

/** A refresh that succeeds at its second try, one that is refused in unknown words, one that ends the connection. */
export const refreshPath: HotPath = {
  name: 'refresh',
  operations({ pool, nextConnected }) {
    const lease = leaseOf(nextConnected());
    const refused = leaseOf(nextConnected());
    return [
      ['takeLease', () => done(takeLease(pool, lease))],
      ['recordIntent', () => done(recordIntent(pool, lease))],
      ['extendLease', () => done(extendLease(pool, lease))],
      ['clearIntent', () => clearIntent(pool, lease, INTENT)],
      ['recordIntent', () => done(recordIntent(pool, lease))],
      ['readAmendedGrant', () => done(readAmendedGrant(pool, lease, INTENT))],
      ['storeRenewal', () => done(storeRenewal(pool, lease, INTENT, TOKENS))],
      ['releaseLease', () => releaseLease(pool, lease)],
      ['takeLease', () => done(takeLease(pool, refused))],
      ['countRefusal', () => done(countRefusal(pool, refused, [1, 2]))],
      ['markReauthRequired', () => done(markReauthRequired(pool, refused, 'invalid-grant'))],
      ['markTokenRejected', () => done(markTokenRejected(pool, nextConnected(), FIRST))],
    ];
  },
};

function leaseOf(key: CredentialKey): Lease {
  return { key, id: randomUUID(), seen: FIRST };
}
