import type { OperatorConfig } from './config.ts';
import { type ConfigProblem, ConfigurationRefused } from './config.ts';
import { findMistakenKeys, keepFingerprintKeys } from './credentials/fingerprint-key-store.ts';
import { findMissingKeys, type KeyStatus } from './keys/key-status.ts';
import type { Logger } from './logger.ts';
import { type OpenedKeys, openKeys } from './open-keys.ts';

/**
 * To be called before a process takes work: without a key that rows still use it would fail its users one by
 * one. Where the database can't be asked the process starts all the same, and meets a missing key when it does.
 *
 * @throws ConfigurationRefused naming each missing key and how many values need it, and each key that has other
 * bytes than its id stands for
 */
export async function checkKeys(
  config: Pick<OperatorConfig, 'databaseUrl' | 'encryptionKeys'>,
  logger: Logger,
): Promise<void> {
  const opened = openKeys(config, logger);
  try {
    const problems = await askDatabase(opened, logger);
    if (problems.length > 0) throw new ConfigurationRefused(problems);
  } finally {
    await opened.close();
  }
}

/**
 * For whoever works on what others have sealed: under a known id other bytes would open nothing, and what they seal
 * would open for nobody else.
 *
 * @param givenUp keys that are said to be lost: their bytes may be any, unless it is they that encrypt
 * @throws ConfigurationRefused naming each key that has other bytes than its id stands for
 */
export async function refuseMistakenKeys(opened: OpenedKeys, givenUp: ReadonlySet<string>): Promise<void> {
  const mistaken = (await findMistakenKeys(opened)).filter(
    (kid) => kid === opened.keyRing.primaryKid || !givenUp.has(kid),
  );
  if (mistaken.length > 0) throw new ConfigurationRefused(mistaken.map(mistakenKey));
}

async function askDatabase(opened: OpenedKeys, logger: Logger): Promise<ConfigProblem[]> {
  try {
    const missing = await findMissingKeys(opened.db, opened.keyRing);
    const mistaken = await findMistakenKeys(opened);
    const problems = [...missing.map(missingKey), ...mistaken.map(mistakenKey)];
    if (problems.length === 0) await keepFingerprintKeys(opened);
    return problems;
  } catch (error) {
    logger.warn({ err: error }, 'the keys in use could not be checked');
    return [];
  }
}

function missingKey({ kid, total }: KeyStatus): ConfigProblem {
  const values = total === 1 ? '1 stored value is' : `${total} stored values are`;
  return {
    variable: 'ENCRYPTION_KEYS',
    problem: `lacks the key ${kid}, under which ${values} encrypted: put it back, and see \`latchkey keys status\``,
  };
}

function mistakenKey(kid: string): ConfigProblem {
  return {
    variable: 'ENCRYPTION_KEYS',
    problem: `has other bytes under the id ${kid} than this database knows it by: put the right key back; a new key needs an id of its own`,
  };
}
