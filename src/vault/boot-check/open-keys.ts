import type { OperatorConfig } from '../../config/load-config.ts';
import { createPool, type Pool } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import { createKeyRing, type KeyRing } from '../key-ring.ts';
import { createVault, type Vault } from '../vault.ts';

/** The database, and the keys for the values that are sealed in it. */
export interface OpenedKeys {
  db: Pool;
  keyRing: KeyRing;
  vault: Vault;
  /** Closes the database connections. */
  close(): Promise<void>;
}

const POOL_SIZE = 2;

export function openKeys(
  { databaseUrl, encryptionKeys }: Pick<OperatorConfig, 'databaseUrl' | 'encryptionKeys'>,
  logger: Logger,
): OpenedKeys {
  const db = createPool({
    databaseUrl: databaseUrl.reveal(),
    size: POOL_SIZE,
    onIdleError: (error) => logger.warn({ err: error }, 'an idle database connection was lost'),
  });
  const keyRing = createKeyRing(encryptionKeys.reveal());
  return { db, keyRing, vault: createVault(keyRing), close: () => db.end() };
}
