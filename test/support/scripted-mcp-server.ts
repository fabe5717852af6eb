import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One HTTP request as the server saw it. */
export interface SeenRequest {
  /** The JSON-RPC method of a POST (`response` for an answer of the client's), else the HTTP method. */
  what: string;
  /** With its query. */
  path: string;
  headers: IncomingMessage['headers'];
  /** The body as it came. */
  text: string;
  id?: string | number;
  params: Record<string, unknown>;
  /** A client's answer to a request of ours. */
  result?: unknown;
  error?: unknown;
}

/** How the server behaves towards one request. It may leave it without an answer. */
export type Reply = (response: ServerResponse, request: SeenRequest) => void;

/** An MCP server over Streamable HTTP that behaves, and misbehaves, as a test says. */
export interface ScriptedMcpServer {
  url: string;
  /** All requests, in the order of their arrival. */
  seen: SeenRequest[];
  /** From now on requests of that kind (see `SeenRequest.what`) are answered so. */
  on(what: string, reply: Reply): void;
  /** The next request of that kind is answered so; several wait in line. */
  once(what: string, reply: Reply): void;
  /** Resolves when that many requests of that kind have arrived since the start. */
  arrived(what: string, count?: number): Promise<SeenRequest>;
  count(what: string): number;
  /** Connections that were opened to it since the start. */
  connections(): number;
  /** Cuts all connections; harmless when closed already. */
  close(): Promise<void>;
}

const TOOL = { name: 'echo', description: 'Says it again', inputSchema: { type: 'object' } };

/** Behaves well, with a session, until told otherwise; its one tool is `echo`. */
export async function startScriptedMcpServer(): Promise<ScriptedMcpServer> {
  const seen: SeenRequest[] = [];
  const lasting = new Map<string, Reply>(Object.entries(wellBehaved()));
  const queued = new Map<string, Reply[]>();
  const waiting = new Set<() => void>();
  const count = (what: string) => seen.filter((request) => request.what === what).length;
  const server = createServer({ keepAliveTimeout: 60_000 }, async (incoming, response) => {
    const request = await readRequest(incoming);
    seen.push(request);
    for (const look of waiting) look();
    const reply = queued.get(request.what)?.shift() ?? lasting.get(request.what) ?? httpStatus(202);
    reply(response, request);
  });
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    seen,
    count,
    connections: () => connections,
    on: (what, reply) => void lasting.set(what, reply),
    once: (what, reply) => void queued.set(what, [...(queued.get(what) ?? []), reply]),
    arrived: (what, wanted = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const request = seen.filter((one) => one.what === what)[wanted - 1];
          if (request === undefined) return;
          waiting.delete(look);
          resolve(request);
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve, reject) => {
        if (!server.listening) return resolve();
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

function wellBehaved(): Record<string, Reply> {
  let sessions = 0;
  return {
    initialize: (response, request) => {
      sessions += 1;
      response.setHeader('mcp-session-id', `session-${sessions}`);
      rpcResult(initializeResult())(response, request);
    },
    'tools/call': rpcResult({ content: [{ type: 'text', text: 'ok' }] }),
    'tools/list': rpcResult({ tools: [TOOL] }),
    GET: httpStatus(405),
    DELETE: httpStatus(200),
  };
}

export function initializeResult(protocolVersion = '2025-11-25'): Record<string, unknown> {
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'scripted', version: '1' } };
}

export function rpcResult(result: unknown): Reply {
  return (response, { id }) => json(response, { jsonrpc: '2.0', id, result });
}

/** The result as it is written: `JSON.stringify` would round its numbers. */
export function rpcResultText(result: string): Reply {
  return (response, { id }) => {
    response.setHeader('content-type', 'application/json');
    response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`);
  };
}

export function rpcError(code: number, message = 'no'): Reply {
  return (response, { id }) => json(response, { jsonrpc: '2.0', id, error: { code, message } });
}

export function httpStatus(status: number, headers: Record<string, string> = {}): Reply {
  return (response) => void response.writeHead(status, headers).end();
}

/** A 200 of that type with that body, whatever was asked. */
export function body(contentType: string, content: string): Reply {
  return (response) => void response.writeHead(200, { 'content-type': contentType }).end(content);
}

/** The connection is cut; after `sent`, where there is one. */
export function reset(sent?: (response: ServerResponse, request: SeenRequest) => void): Reply {
  return (response, request) => {
    sent?.(response, request);
    // What was written goes out first.
    setImmediate(() => response.socket?.resetAndDestroy());
  };
}

export function hang(): Reply {
  return () => {};
}

/** An event stream of these events; stays open when `open`. An event is a message, or the text of its lines. */
export function events(
  list: (request: SeenRequest) => (string | Record<string, unknown>)[],
  { open = false } = {},
): Reply {
  return (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of list(request)) writeEvent(response, event);
    if (!open) response.end();
  };
}

export function writeEvent(response: ServerResponse, event: string | Record<string, unknown>): void {
  response.write(typeof event === 'string' ? `${event}\n\n` : `data: ${JSON.stringify(event)}\n\n`);
}

/** The lines of an event with an id; without a message it primes the resumption. */
export function eventWithId(id: string, message?: Record<string, unknown>): string {
  return `id: ${id}\ndata: ${message === undefined ? '' : JSON.stringify(message)}`;
}

function json(response: ServerResponse, message: Record<string, unknown>): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
}

async function readRequest(incoming: IncomingMessage): Promise<SeenRequest> {
  const { headers, method = '', url: path = '' } = incoming;
  const content = await text(incoming);
  if (content === '') return { what: method, path, headers, text: content, params: {} };
  // What a client posts to this server is JSON-RPC; a test that sends anything else has failed.
  const message = JSON.parse(content) as Partial<SeenRequest> & { method?: string };
  const { method: what = 'response', ...rest } = message;
  return { params: {}, ...rest, what, path, headers, text: content };
}
