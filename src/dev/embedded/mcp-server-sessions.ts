import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';

/** The MCP sessions of one server. MCP 2025-11-25, basic/transports#session-management. */
export interface McpSessions {
  /** Passes a request to its session. A session serves only the user who opened it. */
  handle(req: IncomingMessage, res: ServerResponse, body: unknown, user: string): Promise<void>;
  /** From now on, requests of the existing sessions get a 404. Requests in progress continue. */
  forget(): void;
  close(): Promise<void>;
}

interface Session {
  user: string;
  transport: StreamableHTTPServerTransport;
}

/** @param jsonResponses respond with one JSON object instead of an event stream, and without progress */
export function createMcpSessions(createServer: () => McpServer, jsonResponses: boolean): McpSessions {
  const sessions = new Map<string, Session>();
  const forgotten: Session[] = [];
  const open = async (user: string) => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: jsonResponses,
      onsessioninitialized: (id) => void sessions.set(id, { user, transport }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    // The cast is needed because the class declares its callbacks as possibly undefined, which
    // exactOptionalPropertyTypes distinguishes from absent.
    await createServer().connect(transport as Transport);
    return transport;
  };
  return {
    async handle(req, res, body, user) {
      const id = req.headers['mcp-session-id'];
      const session = typeof id === 'string' ? sessions.get(id) : undefined;
      if (session?.user === user) return session.transport.handleRequest(req, res, body);
      if (session !== undefined) return refuse(res, 403, "another user's session");
      if (id !== undefined) return refuse(res, 404, 'Session not found');
      if (!isInitializeRequest(body)) return refuse(res, 400, 'Mcp-Session-Id header is required');
      return (await open(user)).handleRequest(req, res, body);
    },
    forget() {
      forgotten.push(...sessions.values());
      sessions.clear();
    },
    async close() {
      const all = [...forgotten, ...sessions.values()];
      await Promise.all(all.map(({ transport }) => transport.close()));
    },
  };
}

function refuse(res: ServerResponse, status: number, message: string): void {
  const body = { jsonrpc: '2.0', error: { code: -32_000, message }, id: null };
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
