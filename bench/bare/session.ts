import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { BareCall } from './call.ts';

/** An MCP session of the official SDK. */
export interface Session {
  /** One request. @throws if the tool answers with an error */
  call(call: BareCall, token: string): Promise<unknown>;
  /** Ends the session at the server. */
  close(): Promise<void>;
}

export async function openSession(url: string, firstToken: string): Promise<Session> {
  // The transport reads them for each request.
  const headers = { authorization: `Bearer ${firstToken}` };
  const client = new Client({ name: 'bare', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  // The cast is needed because the class declares its callbacks as possibly undefined, which
  // exactOptionalPropertyTypes distinguishes from absent.
  await client.connect(transport as Transport);
  return {
    async call({ tool, arguments: args }, token) {
      headers.authorization = `Bearer ${token}`;
      const { content, structuredContent, isError } = await client.callTool({ name: tool, arguments: args });
      if (isError) throw new Error('the tool answered with an error');
      return { content, structuredContent };
    },
    async close() {
      await transport.terminateSession();
      await client.close();
    },
  };
}
