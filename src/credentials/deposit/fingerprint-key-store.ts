import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { type FingerprintKey, fingerprintUnder, type KeyRing } from '../../vault/key-ring.ts';
import { GIVEN_UP, type Vault } from '../../vault/vault.ts';

export interface FingerprintDependencies {
  db: Db;
  vault: Vault;
  keyRing: KeyRing;
}

/** What a refresh token may be known by. */
export interface KnownFingerprints {
  /** Under every key that is known, the first key of the ring first. */
  all: string[];
  /**
   * Whether that is all that can be found out under a key: false for one that is not to be had here, under which
   * any fingerprint may be one of this very token.
   */
  settles(kid: string): boolean;
}

/**
 * Keeps what makes the fingerprints under each key of the ring, so that they are recognised for ever: they
 * outlive their tokens and can't be made anew under another key. Safe to run at once and again.
 */
export async function keepFingerprintKeys({ db, vault, keyRing }: FingerprintDependencies): Promise<void> {
  const { rows } = await db.query<{ kid: string }>(
    "SELECT kid FROM mcp_fingerprint_key WHERE kid = ANY ($1) AND key_kid <> '?'",
    [keyRing.kids],
  );
  const kept = new Set(rows.map((row) => row.kid));
  const fresh = keyRing.fingerprintKeys.filter(({ kid }) => !kept.has(kid));
  for (const key of fresh) {
    const jwe = await vault.seal('fingerprint-key', { fingerprintKid: key.kid }, toText(key));
    // One that was given up as lost is there again.
    await db.query(
      `INSERT INTO mcp_fingerprint_key AS kept (kid, key_jwe) VALUES ($1, $2)
       ON CONFLICT (kid) DO UPDATE SET key_jwe = excluded.key_jwe WHERE kept.key_kid = '?'`,
      [key.kid, jwe],
    );
  }
}

/**
 * The keys of the ring that have other bytes than their ids stood for when they were kept: what others have sealed
 * does not open with them, and what is sealed with them opens for nobody else. Reads one row a key.
 */
export async function findMistakenKeys({ db, vault, keyRing }: FingerprintDependencies): Promise<string[]> {
  const { rows } = await db.query<{ kid: string; key_kid: string; key_jwe: string }>(
    "SELECT kid, key_kid, key_jwe FROM mcp_fingerprint_key WHERE kid = ANY ($1) AND key_kid <> '?'",
    [keyRing.kids],
  );
  const own = new Map(keyRing.fingerprintKeys.map((key) => [key.kid, toText(key)]));
  const mistaken = new Set<string>();
  for (const { kid, key_kid, key_jwe } of rows) {
    const opened = await vault.open('fingerprint-key', { fingerprintKid: kid }, key_jwe);
    if (opened.kind === 'undecryptable') mistaken.add(key_kid);
    if (opened.kind === 'opened' && opened.plaintext !== own.get(kid)) mistaken.add(kid);
  }
  return [...mistaken].sort();
}

function toText({ bytes }: FingerprintKey): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Of keys that are lost for good and were never kept: nobody waits for them any more. */
export async function giveUpFingerprintKeys(db: Db, kids: readonly string[]): Promise<void> {
  await db.query(
    `INSERT INTO mcp_fingerprint_key (kid, key_jwe) SELECT unnest($1::text[]), $2 ON CONFLICT (kid) DO NOTHING`,
    [kids, GIVEN_UP],
  );
}

/** What `refreshToken` may be known by in the row of this user and server. */
export async function knownFingerprints(
  deps: FingerprintDependencies,
  key: CredentialKey,
  refreshToken: string,
): Promise<KnownFingerprints> {
  const { keys, lost } = await readRetiredKeys(deps);
  const known = [...deps.keyRing.fingerprintKeys, ...keys];
  const settled = new Set([...known.map(({ kid }) => kid), ...lost]);
  return {
    all: known.map((one) => fingerprintUnder(one, refreshToken, key)),
    settles: (kid) => settled.has(kid),
  };
}

async function readRetiredKeys({ db, vault, keyRing }: FingerprintDependencies) {
  const { rows } = await db.query<{ kid: string; key_jwe: string }>(
    'SELECT kid, key_jwe FROM mcp_fingerprint_key WHERE kid <> ALL ($1)',
    [keyRing.kids],
  );
  const keys: FingerprintKey[] = [];
  const lost: string[] = [];
  for (const { kid, key_jwe } of rows) {
    const opened = await vault.open('fingerprint-key', { fingerprintKid: kid }, key_jwe);
    if (opened.kind === 'opened') keys.push({ kid, bytes: Buffer.from(opened.plaintext, 'base64url') });
    // Given up by the operator, or tampered with: waiting for it would help nobody.
    if (opened.kind === 'undecryptable') lost.push(kid);
  }
  return { keys, lost };
}
