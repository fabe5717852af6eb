import { type ConfigProblem, ConfigurationRefused } from '../../config/load-config.ts';
import {
  type FingerprintDependencies,
  findMismatchedKeys,
} from '../../credentials/deposit/fingerprint-key-store.ts';
import { findMissingKeys, type MissingKey } from '../rotation/key-status.ts';

/** The keys of this process that are not what the database needs. */
export async function findKeyProblems(opened: FingerprintDependencies): Promise<ConfigProblem[]> {
  const missing = await findMissingKeys(opened.db, opened.keyRing);
  const mistaken = await findMismatchedKeys(opened);
  return [...missing.map(missingKey), ...mistaken.map(mistakenKey)];
}

/**
 * For whoever works on what others have sealed: under a known id other bytes would open nothing, and what they seal
 * would open for nobody else.
 *
 * @param givenUp keys that are said to be lost: their bytes may be any, unless it is they that encrypt
 * @throws ConfigurationRefused naming each key that has other bytes than its id stands for
 */
export async function refuseMistakenKeys(
  opened: FingerprintDependencies,
  givenUp: ReadonlySet<string>,
): Promise<void> {
  const mistaken = (await findMismatchedKeys(opened)).filter(
    (kid) => kid === opened.keyRing.primaryKid || !givenUp.has(kid),
  );
  if (mistaken.length > 0) throw new ConfigurationRefused(mistaken.map(mistakenKey));
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

function mistakenKey(kid: string): ConfigProblem {
  return {
    variable: 'ENCRYPTION_KEYS',
    problem: `has other bytes under the id ${kid} than this database knows it by: put the right key back; a new key needs an id of its own`,
  };
}
