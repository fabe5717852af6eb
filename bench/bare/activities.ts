import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

export interface BareCall {
  userId: string;
  tool: string;
  arguments: Record<string, unknown>;
}

export interface BareActivities {
  callTool(call: BareCall): Promise<unknown>;
}

export interface BareServer {
  url: string;
  /** Each user's access token. It is never renewed. */
  tokens: Readonly<Record<string, string>>;
}

/** Keeps one session a user, as Latchkey does, so that a call is one request. */
export function createBareActivities({ url, tokens }: BareServer): BareActivities {
  const sessions = new Map<string, Promise<Client>>();
  const sessionOf = (userId: string) => {
    const session = sessions.get(userId) ?? openSession(url, tokens[userId]);
    sessions.set(userId, session);
    return session;
  };
  return {
    async callTool({ userId, tool, arguments: args }) {
      const session = await sessionOf(userId);
      const { content, structuredContent, isError } = await session.callTool({ name: tool, arguments: args });
      if (isError) throw new Error('the tool answered with an error');
      return { content, structuredContent };
    },
  };
}

async function openSession(url: string, token: string | undefined): Promise<Client> {
  if (token === undefined) throw new Error('the user has no token');
  const client = new Client({ name: 'bare', version: '1.0.0' });
  const headers = { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  // The cast is needed because the class declares its callbacks as possibly undefined, which
  // exactOptionalPropertyTypes distinguishes from absent.
  await client.connect(transport as Transport);
  return client;
}
