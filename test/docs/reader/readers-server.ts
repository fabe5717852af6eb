import { startAuthorizationServer } from '../../../src/dev/embedded/authorization-server.ts';
import { authorizeHeadlessly, type HeadlessTokens } from '../../../src/dev/embedded/authorize-headlessly.ts';
import { startMcpServer } from '../../../src/dev/embedded/mcp-server.ts';

const REDIRECT_URI = 'https://app.example.com/callback';

/** An MCP server with OAuth, which stands for all servers that the pages name. */
export interface ReadersServer {
  url: string;
  /** Of the application that deposits grants itself. */
  clientId: string;
  /** A grant that the application gets for a user. */
  grantOf(account: string): Promise<HeadlessTokens>;
  stop(): Promise<void>;
}

export async function startReadersServer(): Promise<ReadersServer> {
  const authorizationServer = await startAuthorizationServer();
  const mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
  const { clientId } = await authorizationServer.registerClient({
    redirectUris: [REDIRECT_URI],
    tokenEndpointAuthMethod: 'none',
  });
  const { issuer } = authorizationServer;
  const { url } = mcpServer;
  return {
    url,
    clientId,
    grantOf: (accountId) =>
      authorizeHeadlessly({ issuer, clientId, redirectUri: REDIRECT_URI, resource: url, accountId }),
    async stop() {
      await Promise.all([mcpServer.stop(), authorizationServer.stop()]);
    },
  };
}
