import type { OperatorConfig } from './config.ts';
import { ConfigurationRefused } from './config.ts';
import { keepFingerprintKeys } from './credentials/fingerprint-key-store.ts';
import { findMissingKeys, type KeyStatus } from './keys/key-status.ts';
import type { Logger } from './logger.ts';
import { type OpenedKeys, openKeys } from './open-keys.ts';

/**
 * To be called before a process takes work: without a key that rows still use it would fail its users one by
 * one. Where the database can't be asked the process starts all the same, and meets a missing key when it does.
 *
 * @throws ConfigurationRefused naming each missing key and how many values need it
 */
export async function checkKeys(
  config: Pick<OperatorConfig, 'databaseUrl' | 'encryptionKeys'>,
  logger: Logger,
): Promise<void> {
  const opened = openKeys(config, logger);
  try {
    const missing = await askDatabase(opened, logger);
    if (missing.length > 0) throw new ConfigurationRefused(missing.map(problemOf));
  } finally {
    await opened.close();
  }
}

async function askDatabase(opened: OpenedKeys, logger: Logger): Promise<KeyStatus[]> {
  try {
    const missing = await findMissingKeys(opened.db, opened.keyRing);
    if (missing.length === 0) await keepFingerprintKeys(opened);
    return missing;
  } catch (error) {
    logger.warn({ err: error }, 'the keys in use could not be checked');
    return [];
  }
}

function problemOf({ kid, total }: KeyStatus) {
  const values = total === 1 ? '1 stored value is' : `${total} stored values are`;
  return {
    variable: 'ENCRYPTION_KEYS',
    problem: `lacks the key ${kid}, under which ${values} encrypted: put it back, and see \`latchkey keys status\``,
  };
}
