import type { Client } from '@temporalio/client';
import type { WorkerConfig } from './config.ts';
import { systemClock } from './credentials/clock.ts';
import { createRenewal, type Renewal } from './credentials/renewal.ts';
import { createPool, type Pool } from './db/pool.ts';
import type { Logger } from './logger.ts';
import type { McpPort } from './mcp/mcp-port.ts';
import { createMcpSdkAdapter } from './mcp/sdk-adapter.ts';
import { type ClosableGuardedFetch, createGuardedFetch } from './net/guarded-fetch.ts';
import type { GuardedFetch } from './net/network.ts';
import { type AuthorizationServerLookup, createAuthorizationServerLookup } from './oauth/discovery.ts';
import { type CredentialWorkflows, createCredentialWorkflows } from './steps/credential-workflows.ts';
import { createKeyRing, type KeyRing } from './vault/key-ring.ts';
import { createVault, type Vault } from './vault/vault.ts';

export type ServicesConfig = Pick<
  WorkerConfig,
  'databaseUrl' | 'databasePoolSize' | 'encryptionKeys' | 'networkPolicy' | 'taskQueue' | 'version'
>;

/** What workers and API processes both stand on. */
export interface Services {
  pool: Pool;
  db: Pool;
  keyRing: KeyRing;
  vault: Vault;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  mcp: McpPort;
  renewal: Renewal;
  workflows: CredentialWorkflows;
  client: Client;
  logger: Logger;
  /** Sees refreshes under way through to their write-back, then lets go of everything. */
  close(): Promise<void>;
}

export function createServices(
  config: ServicesConfig,
  client: Client,
  logger: Logger,
  network: ClosableGuardedFetch = createGuardedFetch({ policy: config.networkPolicy }),
): Services {
  const pool = createPool({
    databaseUrl: config.databaseUrl.reveal(),
    size: config.databasePoolSize,
    onIdleError: (error) => logger.warn({ err: error }, 'an idle database connection was lost'),
  });
  const keyRing = createKeyRing(config.encryptionKeys.reveal());
  const vault = createVault(keyRing);
  const guardedFetch = network.fetch;
  const authorizationServers = createAuthorizationServerLookup(guardedFetch);
  const workflows = createCredentialWorkflows({ client, taskQueue: config.taskQueue, logger });
  const mcp = createMcpSdkAdapter({ guardedFetch, logger, clientVersion: config.version });
  const renewal = createRenewal({
    db: pool,
    vault,
    keyRing,
    guardedFetch,
    authorizationServers,
    clock: systemClock,
    logger,
    onRecovered: workflows.startResumption,
  });
  return {
    pool,
    db: pool,
    keyRing,
    vault,
    guardedFetch,
    authorizationServers,
    mcp,
    renewal,
    workflows,
    client,
    logger,
    async close() {
      await renewal.drain();
      await mcp.close();
      await network.close();
      await pool.end();
    },
  };
}
