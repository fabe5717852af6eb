import type { OperatorConfig } from '../../config/load-config.ts';
import { openPool } from '../../db/open-pool.ts';
import type { Pool } from '../../db/pool.ts';
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
  const db = openPool({ databaseUrl: databaseUrl.reveal(), size: POOL_SIZE, reportTo: logger });
  const keyRing = createKeyRing(encryptionKeys.reveal());
  return { db, keyRing, vault: createVault(keyRing), close: () => db.end() };
}
