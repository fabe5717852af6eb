import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';
import {
  type Reply,
  rpcError,
  type SeenRequest,
  startScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';

/** Everything wrong that repeats what was sent to it. `quoted` is that. */
type Quote = (response: ServerResponse, quoted: string) => void;

const answers =
  (status: number, headers: (quoted: string) => Record<string, string> = () => ({})): Quote =>
  (response, quoted) =>
    void response.writeHead(status, headers(quoted)).end(`{"message":"what is ${quoted}?"}`);

const json =
  (status: number, body: (quoted: string) => object): Quote =>
  (response, quoted) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body(quoted)));

const ANYWHERE: Readonly<Record<string, Quote>> = {
  'plain-400': answers(400),
  'plain-500': answers(500),
  'a-redirect': answers(302, (quoted) => ({ location: `/elsewhere?token=${encodeURIComponent(quoted)}` })),
  'an-odd-type': answers(200, (quoted) => ({ 'content-type': `text/plain; note="${quoted}"` })),
  'broken-json': (response, quoted) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${quoted}`),
};

const challenge = (error: string) => (quoted: string) => ({
  'www-authenticate': `Bearer realm="${quoted}", ${error}error_description="${quoted} is not good enough"`,
});

/** How MCP servers refuse a call, each with the token in it. */
export const MCP_QUOTES: Readonly<Record<string, Quote>> = {
  ...ANYWHERE,
  'a-challenge': answers(401, challenge('error="invalid_token", ')),
  'a-challenge-for-scope': answers(403, challenge('error="insufficient_scope", scope="more", ')),
  'a-403': answers(403, challenge('')),
  'a-503': answers(503, (quoted) => ({ 'retry-after': quoted })),
  'a-stream': (response, quoted) =>
    void response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(`event: ${quoted}\ndata: ${quoted}\n\n`),
};

/** A JSON-RPC message of the server's that quotes. */
type Message = (quoted: string, request: SeenRequest) => object;

const asJson =
  (message: Message): Echo =>
  (response, quoted, request) =>
    void response
      .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': quoted.replace(/\s/g, '-') })
      .end(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...message(quoted, request) }));

const asResult = (result: (quoted: string) => unknown): Echo =>
  asJson((quoted) => ({ result: result(quoted) }));

const echoProgress: Echo = (response, quoted, { id, params }) => {
  const { progressToken } = (params._meta ?? {}) as { progressToken?: unknown };
  const messages = [
    { method: 'notifications/progress', params: { progressToken, progress: 1, message: quoted } },
    { method: 'notifications/message', params: { level: 'error', logger: quoted, data: quoted } },
    { id, result: { content: [{ type: 'text', text: quoted }] } },
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(
    messages.map((message) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`).join(''),
  );
};

type Echo = (response: ServerResponse, quoted: string, request: SeenRequest) => void;

/** How MCP servers answer a call with success, or refuse it, each with everything in it that they were sent. */
export const CALL_ECHOES: Readonly<Record<string, Echo>> = {
  'a-result': asResult((quoted) => ({
    content: [
      { type: 'text', text: quoted },
      { type: 'image', mimeType: quoted, data: Buffer.from(quoted).toString('base64') },
      { type: 'resource_link', uri: `https://e.example/?q=${encodeURIComponent(quoted)}`, name: quoted },
    ],
    structuredContent: { [quoted]: [{ [quoted]: quoted }], hex: Buffer.from(quoted).toString('hex') },
    _meta: { [quoted]: quoted },
  })),
  'an-error-result': asResult((quoted) => ({ isError: true, content: [{ type: 'text', text: quoted }] })),
  'no-result': asResult((quoted) => ({ [quoted]: quoted })),
  'a-text': asResult((quoted) => quoted),
  'an-error': asJson((quoted) => ({ error: { code: -32000, message: quoted, data: { [quoted]: quoted } } })),
  progress: echoProgress,
  scopes: (response, quoted) =>
    void response
      .writeHead(403, { 'www-authenticate': `Bearer error="insufficient_scope", scope="more ${quoted}"` })
      .end(),
  'a-redirect-path': (response, quoted) =>
    void response.writeHead(307, { location: `/elsewhere/${encodeURIComponent(quoted)}` }).end(),
};

/** How MCP servers begin a session. */
export const OPENING_ECHOES: Readonly<Record<string, Echo>> = {
  'a-revision': asResult((quoted) => ({ protocolVersion: quoted, capabilities: {}, serverInfo: {} })),
  'revisions-spoken': asJson((quoted) => ({
    error: { code: -32602, message: quoted, data: { supported: [quoted, '1999-01-01'] } },
  })),
  names: asJson((quoted, { params }) => ({
    result: {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {}, experimental: { [quoted]: {} } },
      serverInfo: { name: quoted, version: quoted },
      instructions: quoted,
    },
  })),
};

const listEcho = asJson((quoted, { params }) => ({
  result: {
    tools: [
      { name: 'echo', description: quoted, inputSchema: { type: 'object', properties: { [quoted]: {} } } },
      { name: quoted, title: quoted, inputSchema: { type: 'object', description: quoted } },
    ],
    ...(params.cursor === undefined && { nextCursor: quoted }),
  },
}));

/**
 * An MCP server that repeats the token, its registered header `x-api-key` and the query of its address, in its list and
 * in one way of answering calls, or of beginning sessions.
 */
export async function startEchoingMcpServer(way: string): Promise<QuotingMcpServer> {
  const server = await startScriptedMcpServer();
  const echoing =
    (echo: Echo): Reply =>
    (response, request) => {
      const token = (request.headers.authorization ?? '').replace('Bearer ', '');
      const query = new URL(request.path, server.url).searchParams.get('api_key');
      echo(response, `${token} ${request.headers['x-api-key']} ${query}`, request);
    };
  const call = CALL_ECHOES[way];
  const opening = OPENING_ECHOES[way];
  if (call !== undefined) server.on('tools/call', echoing(call));
  if (opening !== undefined) server.on('initialize', echoing(opening));
  server.on('tools/list', echoing(listEcho));
  return server;
}

/** The codes of JSON-RPC errors: the message of each is the token. */
export const RPC_CODES = [-32000, -32001, -32600, -32601, -32602, -32603, -32700, 42];

/** How token endpoints refuse a refresh, each with the refresh token in it. */
export const TOKEN_QUOTES: Readonly<Record<string, Quote>> = {
  ...ANYWHERE,
  'invalid-grant': json(400, (quoted) => ({ error: 'invalid_grant', error_description: quoted })),
  'invalid-client': answers(401, challenge('')),
  'invalid-request': json(400, (quoted) => ({
    error: 'invalid_request',
    error_description: `not ${quoted}`,
  })),
  'an-error-of-its-own': json(400, (quoted) => ({
    error: quoted,
    error_uri: `https://as.example/${quoted}`,
  })),
  'an-error-in-a-200': json(200, (quoted) => ({ error: quoted })),
  'no-token': json(200, (quoted) => ({ note: quoted, token_type: 'Bearer' })),
  'an-odd-token': json(200, (quoted) => ({
    access_token: { quoted },
    token_type: quoted,
    expires_in: quoted,
  })),
  'a-server-error': json(500, (quoted) => ({ error: 'server_error', error_description: quoted })),
};

export interface QuotingServer {
  /** Of what quotes in that way. */
  urlOf(quote: string): string;
  close(): Promise<void>;
}

/** Token endpoints, one a way. They repeat what they are sent, the client's secret included. */
export async function startQuotingTokenEndpoint(): Promise<QuotingServer> {
  const server = await startLoopbackHttpServer();
  server.http.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const form = await text(request);
    const refreshToken = new URLSearchParams(form).get('refresh_token') ?? '';
    const quote = TOKEN_QUOTES[(request.url ?? '').replace(/^\/|\?.*$/g, '')] ?? answers(404);
    response.setHeader('x-client', request.headers.authorization ?? form);
    quote(response, refreshToken);
  });
  return { urlOf: (quote) => `${server.origin}/${quote}`, close: server.close };
}

export interface QuotingMcpServer {
  url: string;
  close(): Promise<void>;
}

/** An MCP server that answers the calls, and the questions for its tools, of one way. @param way as above, or a code */
export async function startQuotingMcpServer(way: string | number): Promise<QuotingMcpServer> {
  const server = await startScriptedMcpServer();
  const reply: Reply = (response, request) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    if (typeof way === 'number') rpcError(way, token)(response, request);
    else MCP_QUOTES[way]?.(response, token);
  };
  server.on('tools/call', reply);
  server.on('tools/list', reply);
  return server;
}
