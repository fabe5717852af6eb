import { apiOf } from '../src/dev/demo/api.ts';
import type { AuthorizationServer } from '../src/dev/embedded/authorization-server.ts';
import { authorizeHeadlessly } from '../src/dev/embedded/authorize-headlessly.ts';
import { MCP_SERVER_ID } from './names.ts';

const REDIRECT_URI = 'https://app.example/callback';

/** What users do with their connections. */
export interface Users {
  /** A genuine authorization-code exchange, deposited over the HTTP API. Resolves to the access token. */
  connect(userId: string, server?: UsersServer): Promise<string>;
  /** What its client is known by at the authorization server. */
  client: { clientId: string; tokenEndpoint: string; resource: string };
  /** A genuine exchange whose tokens Latchkey never sees. */
  grant(userId: string): Promise<{ accessToken: string; refreshToken: string }>;
  /** The exchange alone. `deposit` stores it; it answers with the number of steps that go on. */
  consent(userId: string): Promise<{ accessToken: string; deposit(): Promise<number> }>;
}

/** A registered MCP server. Default: the one that all users share. */
export interface UsersServer {
  mcpServerId: string;
  /** Its URL. */
  resource: string;
}

interface UsersOptions {
  authorizationServer: AuthorizationServer;
  /** The shared MCP server's URL. */
  resource: string;
  api: { url: string; jwtSecret: string };
}

export async function createUsers({ authorizationServer, resource, api }: UsersOptions): Promise<Users> {
  const { clientId } = await authorizationServer.registerClient({ redirectUris: [REDIRECT_URI] });
  const { issuer, tokenEndpoint } = authorizationServer;
  const shared: UsersServer = { mcpServerId: MCP_SERVER_ID, resource };
  const exchange = (accountId: string, at = shared) =>
    authorizeHeadlessly({
      ...{ issuer, clientId, redirectUri: REDIRECT_URI, accountId },
      resource: at.resource,
    });

  async function consent(userId: string, server = shared) {
    const { accessToken, refreshToken, expiresIn } = await exchange(userId, server);
    const body = { ...server, refreshToken, accessToken, expiresIn, tokenEndpoint, clientId };
    const user = await apiOf({ userId }, api);
    const deposit = async () => {
      const stored = await user.request<{ resuming: number }>('POST', '/mcp-oauth-credentials', body);
      return stored.resuming;
    };
    return { accessToken, deposit };
  }

  return {
    client: { clientId, tokenEndpoint, resource },
    async grant(userId) {
      const { accessToken, refreshToken } = await exchange(userId);
      return { accessToken, refreshToken };
    },
    consent,
    async connect(userId, server) {
      const { accessToken, deposit } = await consent(userId, server);
      await deposit();
      return accessToken;
    },
  };
}
