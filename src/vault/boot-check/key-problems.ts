import { type ConfigProblem, ConfigurationRefused } from '../../config/load-config.ts';
import {
  type FingerprintDependencies,
  findMismatchedKeys,
} from '../../credentials/deposit/fingerprint-key-store.ts';
import { findMissingKeys, type MissingKey } from '../rotation/key-status.ts';

/** Finds keys that the database needs and this process lacks, and keys whose bytes differ from the database's. */
export async function findKeyProblems(opened: FingerprintDependencies): Promise<ConfigProblem[]> {
  const missing = await findMissingKeys(opened.db, opened.keyRing);
  const mismatched = await findMismatchedKeys(opened);
  return [...missing.map(missingKey), ...mismatched.map(mismatchedKey)];
}

/**
 * Refuses keys whose bytes differ from those that the database knows under their ids. Such a key opens nothing, and
 * no other process could open what it seals.
 *
 * @param givenUp ids of keys that are lost. Their bytes may differ, except those of the key that encrypts.
 * @throws ConfigurationRefused naming each such key
 */
export async function refuseMismatchedKeys(
  opened: FingerprintDependencies,
  givenUp: ReadonlySet<string>,
): Promise<void> {
  const mismatched = (await findMismatchedKeys(opened)).filter(
    (kid) => kid === opened.keyRing.primaryKid || !givenUp.has(kid),
  );
  if (mismatched.length > 0) throw new ConfigurationRefused(mismatched.map(mismatchedKey));
}

function missingKey({ kid, total }: MissingKey): ConfigProblem {
  return {
    variable: 'ENCRYPTION_KEYS',
    problem: `lacks the key ${kid}, under which ${valuesOf(total)} encrypted: put it back, and see \`latchkey keys status\``,
  };
}

function valuesOf(total: number | undefined): string {
  if (total === undefined) return 'stored values are';
  return total === 1 ? '1 stored value is' : `${total} stored values are`;
}

function mismatchedKey(kid: string): ConfigProblem {
  return {
    variable: 'ENCRYPTION_KEYS',
    problem: `has other key bytes under the id ${kid} than the database knows: restore the original bytes, and give a new key a new id`,
  };
}
