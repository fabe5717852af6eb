import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { ServerOptions } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  StreamableHTTPServerTransport,
  type StreamableHTTPServerTransportOptions,
} from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

export interface SeenCall {
  httpMethod: string;
  rpcMethod: string | undefined;
  sessionId: string | undefined;
  authorization: string | undefined;
}

/** The SDK's own server with sessions, as its examples run it, and a record of every HTTP request. */
export interface OfficialMcpServer {
  url: string;
  seen: SeenCall[];
  count(rpcMethod: string): number;
  sessions(): string[];
  /** Forgets all sessions, as a restart does: requests in them get 404. */
  loseSessions(): Promise<void>;
  close(): Promise<void>;
}

export async function startOfficialMcpServer(
  register: (server: McpServer) => void,
  options: StreamableHTTPServerTransportOptions = {},
  serverOptions: ServerOptions = {},
): Promise<OfficialMcpServer> {
  const seen: SeenCall[] = [];
  const transports = new Map<string, StreamableHTTPServerTransport>();

  async function openTransport(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      ...options,
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
      onsessionclosed: (id) => void transports.delete(id),
    });
    const server = new McpServer({ name: 'official', version: '1' }, serverOptions);
    register(server);
    // The SDK's classes disagree under exactOptionalPropertyTypes on `sessionId?: string | undefined`.
    await server.connect(transport as Transport);
    return transport;
  }

  const http = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const message = request.method === 'POST' ? await json(request) : undefined;
    const call = seenCall(request, message);
    seen.push(call);
    const transport =
      call.rpcMethod === 'initialize' ? await openTransport() : transports.get(call.sessionId ?? '');
    if (transport === undefined) response.writeHead(404).end();
    else await transport.handleRequest(request, response, message);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has an address of this form.
  const { port } = http.address() as AddressInfo;

  async function loseSessions(): Promise<void> {
    const lost = [...transports.values()];
    transports.clear();
    await Promise.all(lost.map((transport) => transport.close()));
  }

  return {
    url: `http://127.0.0.1:${port}/mcp`,
    seen,
    count: (rpcMethod) => seen.filter((call) => call.rpcMethod === rpcMethod).length,
    sessions: () => [...transports.keys()],
    loseSessions,
    async close() {
      await loseSessions();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function seenCall({ method = '', headers }: IncomingMessage, message: unknown): SeenCall {
  const sessionId = headers['mcp-session-id'];
  return {
    httpMethod: method,
    // What the client posts is a JSON-RPC message.
    rpcMethod: (message as { method?: string } | undefined)?.method,
    sessionId: typeof sessionId === 'string' ? sessionId : undefined,
    authorization: headers.authorization,
  };
}
