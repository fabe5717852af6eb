import { randomBytes } from 'node:crypto';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import type { GrantDeposit } from '../../src/credentials/deposit/deposited-grant.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import type { AuthorizationServer } from '../../src/dev/embedded/authorization-server.ts';
import { authorizeHeadlessly } from '../../src/dev/embedded/authorize-headlessly.ts';
import type { Services } from '../../src/process/services.ts';
import { type Deposit, depositSchema } from '../../src/schemas/deposit.ts';

const REDIRECT_URI = 'https://app.example/callback';

/** What users do with their connections. */
export interface WorldUsers {
  /** The id of a user that no other test knows. */
  newUser(): string;
  /** Runs a genuine authorization-code exchange. Its tokens are not deposited yet. */
  consent(userId: string, to?: ConsentTo): Promise<Deposit>;
  deposit(userId: string, deposit: GrantDeposit): Promise<StoredDeposit>;
  /** `consent` and `deposit`. */
  connect(userId: string, to?: ConsentTo): Promise<StoredDeposit>;
  disconnect(userId: string): Promise<void>;
}

/** Default: the world's MCP server, and the scope that its authorization server grants by default. */
export interface ConsentTo {
  mcpServerId?: string;
  /** Space-separated. The deposit then names it. */
  scope?: string;
}

export interface StoredDeposit {
  changed: boolean;
  version: number;
  resuming: number;
}

interface Servers {
  authorizationServer: AuthorizationServer;
  /** The MCP server that users consent to. */
  resource: string;
  mcpServerId: string;
  /** The users' OAuth client has a secret, which is deposited with their grants. */
  confidentialClient: boolean;
}

export async function createWorldUsers(services: Services, servers: Servers): Promise<WorldUsers> {
  const { authorizationServer, resource, mcpServerId } = servers;
  const { clientId, clientSecret } = await authorizationServer.registerClient({
    redirectUris: [REDIRECT_URI],
    tokenEndpointAuthMethod: servers.confidentialClient ? 'client_secret_basic' : 'none',
  });
  const client = { clientId, ...(clientSecret !== undefined && { clientSecret }) };

  const users: WorldUsers = {
    newUser: () => `user-${randomBytes(4).toString('hex')}`,
    async consent(accountId, { scope, ...to } = {}) {
      const tokens = await authorizeHeadlessly({
        issuer: authorizationServer.issuer,
        ...client,
        redirectUri: REDIRECT_URI,
        resource,
        accountId,
        ...(scope !== undefined && { scope }),
      });
      return depositSchema.parse({
        mcpServerId: to.mcpServerId ?? mcpServerId,
        ...(scope !== undefined && { scopes: scope }),
        refreshToken: tokens.refreshToken,
        accessToken: tokens.accessToken,
        expiresIn: tokens.expiresIn,
        tokenEndpoint: tokens.tokenEndpoint,
        ...client,
        resource,
      });
    },
    async deposit(userId, deposit) {
      const outcome = await depositCredential(
        {
          pool: services.pool,
          vault: services.vault,
          keyRing: services.keyRing,
          authorizationServers: services.authorizationServers,
          refuseAddress: () => undefined,
          startResumption: services.workflows.startResumption,
        },
        userId,
        deposit,
      );
      if (outcome.kind !== 'stored') throw new Error(`the deposit was not stored: ${outcome.kind}`);
      return outcome;
    },
    connect: async (userId, to) => users.deposit(userId, await users.consent(userId, to)),
    async disconnect(userId) {
      await disconnectCredential(services.db, { userId, mcpServerId });
    },
  };
  return users;
}
