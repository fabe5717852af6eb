import { randomBytes } from 'node:crypto';
import { type ConnectFlow, createConnectFlow } from '../../../src/connect/connect-flow.ts';
import { depositCredential } from '../../../src/credentials/deposit/deposit-credential.ts';
import type { GrantDeposit } from '../../../src/credentials/deposit/deposited-grant.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import type { McpPort } from '../../../src/mcp/port.ts';
import { createMcpSdkAdapter } from '../../../src/mcp/sdk/sdk-adapter.ts';
import { createGuardedFetch } from '../../../src/net/guarded-fetch.ts';
import type { GuardedFetch } from '../../../src/net/network.ts';
import {
  type AuthorizationServerLookup,
  createAuthorizationServerLookup,
} from '../../../src/oauth/discovery.ts';
import { createKeyRing } from '../../../src/vault/key-ring.ts';
import { createVault, type Vault } from '../../../src/vault/vault.ts';

/** What the client program works with: the parts that a Latchkey process is composed of, without Temporal. */
export interface World {
  publicUrl: string;
  pool: Pool;
  db: Pool;
  vault: Vault;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  mcp: McpPort;
  connect: ConnectFlow;
  deposit: (userId: string, deposit: GrantDeposit) => ReturnType<typeof depositCredential>;
  close(): Promise<void>;
}

export function openWorld({ databaseUrl, publicUrl }: { databaseUrl: string; publicUrl: string }): World {
  const pool = createPool({ databaseUrl, size: 2, onIdleError: () => {} });
  const keyRing = createKeyRing([{ id: 'conformance', bytes: randomBytes(32) }]);
  const network = createGuardedFetch({ policy: 'development' });
  const shared = {
    publicUrl,
    pool,
    db: pool,
    vault: createVault(keyRing),
    guardedFetch: network.fetch,
    authorizationServers: createAuthorizationServerLookup(network.fetch),
  };
  const depositing = { ...shared, keyRing, refuseAddress: () => undefined, startResumption: async () => {} };
  const deposit: World['deposit'] = (userId, one) => depositCredential(depositing, userId, one);
  const mcp = createMcpSdkAdapter({
    guardedFetch: network.fetch,
    // The suite requires a client that accepts forms with the defaults of their fields.
    fillForm: async () => ({ action: 'accept', content: {} }),
  });
  return {
    ...shared,
    mcp,
    deposit,
    connect: createConnectFlow({
      ...shared,
      deposit: (...one) => depositCredential(depositing, ...one),
      returnOrigins: [],
      version: '0.0.0-test',
      logger: createLogger({ level: 'silent' }),
    }),
    async close() {
      await mcp.close();
      await network.close(0);
      await pool.end();
    },
  };
}
