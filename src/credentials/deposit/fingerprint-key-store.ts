import type { Db } from '../../db/pool.ts';
import type { FingerprintKey, KeyRing } from '../../vault/key-ring.ts';
import { GIVEN_UP, type Vault } from '../../vault/vault.ts';

export interface FingerprintDependencies {
  db: Db;
  vault: Vault;
  keyRing: KeyRing;
}

/**
 * Stores the HMAC key behind the fingerprints of each key of the ring, encrypted. Fingerprints outlive their tokens and
 * can't be recomputed under another key, so a spent token stays recognizable after its key has left the ring. Several
 * processes may run this at once, and again.
 */
export async function keepFingerprintKeys({ db, vault, keyRing }: FingerprintDependencies): Promise<void> {
  const { rows } = await db.query<{ kid: string }>(
    "SELECT kid FROM mcp_fingerprint_key WHERE kid = ANY ($1) AND key_kid <> '?'",
    [keyRing.kids],
  );
  const stored = new Set(rows.map((row) => row.kid));
  const missing = keyRing.fingerprintKeys.filter(({ kid }) => !stored.has(kid));
  for (const key of missing) {
    const jwe = await vault.seal('fingerprint-key', { fingerprintKid: key.kid }, toText(key));
    // A key that the operator gave up as lost is available again.
    await db.query(
      `INSERT INTO mcp_fingerprint_key AS kept (kid, key_jwe) VALUES ($1, $2)
       ON CONFLICT (kid) DO UPDATE SET key_jwe = excluded.key_jwe WHERE kept.key_kid = '?'`,
      [key.kid, jwe],
    );
  }
}

/**
 * Finds the keys of the ring whose bytes differ from those that the database knows under the same id. They can't
 * decrypt what other processes have sealed, and no other process can decrypt what is sealed with them. Reads one row
 * for each key.
 */
export async function findMismatchedKeys({ db, vault, keyRing }: FingerprintDependencies): Promise<string[]> {
  const { rows } = await db.query<{ kid: string; key_kid: string; key_jwe: string }>(
    "SELECT kid, key_kid, key_jwe FROM mcp_fingerprint_key WHERE kid = ANY ($1) AND key_kid <> '?'",
    [keyRing.kids],
  );
  const own = new Map(keyRing.fingerprintKeys.map((key) => [key.kid, toText(key)]));
  const mismatched = new Set<string>();
  for (const { kid, key_kid, key_jwe } of rows) {
    const opened = await vault.open('fingerprint-key', { fingerprintKid: kid }, key_jwe);
    if (opened.kind === 'undecryptable') mismatched.add(key_kid);
    if (opened.kind === 'opened' && opened.plaintext !== own.get(kid)) mismatched.add(kid);
  }
  return [...mismatched].sort();
}

function toText({ bytes }: FingerprintKey): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Marks keys as lost for good whose fingerprint keys were never stored: no deposit waits for them any more. */
export async function giveUpFingerprintKeys(db: Db, kids: readonly string[]): Promise<void> {
  await db.query(
    `INSERT INTO mcp_fingerprint_key (kid, key_jwe) SELECT unnest($1::text[]), $2 ON CONFLICT (kid) DO NOTHING`,
    [kids, GIVEN_UP],
  );
}

/** The fingerprint keys that are stored for keys that have left the ring. */
export interface RetiredKeys {
  available: FingerprintKey[];
  /** Ids of keys that will never be available again. */
  lost: string[];
}

export async function readRetiredKeys({ db, vault, keyRing }: FingerprintDependencies): Promise<RetiredKeys> {
  const { rows } = await db.query<{ kid: string; key_jwe: string }>(
    'SELECT kid, key_jwe FROM mcp_fingerprint_key WHERE kid <> ALL ($1)',
    [keyRing.kids],
  );
  const available: FingerprintKey[] = [];
  const lost: string[] = [];
  for (const { kid, key_jwe } of rows) {
    const opened = await vault.open('fingerprint-key', { fingerprintKid: kid }, key_jwe);
    if (opened.kind === 'opened') available.push({ kid, bytes: Buffer.from(opened.plaintext, 'base64url') });
    // The operator gave the key up, or the row was tampered with: waiting for the key would not help.
    if (opened.kind === 'undecryptable') lost.push(kid);
  }
  return { available, lost };
}
