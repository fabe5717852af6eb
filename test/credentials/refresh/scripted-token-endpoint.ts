import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface SeenTokenRequest {
  /** When it had arrived completely, in monotonic milliseconds. */
  at: number;
  path: string;
  headers: IncomingHttpHeaders;
  body: URLSearchParams;
}

/** How the endpoint handles one request. It may leave it unanswered. */
export type TokenReply = (response: ServerResponse, request: SeenTokenRequest) => void;

/** A token endpoint whose answers the test scripts. It can also serve other paths of its origin. */
export interface ScriptedTokenEndpoint {
  /** The token endpoint. */
  url: string;
  origin: string;
  /** All requests, the oldest first. */
  seen: SeenTokenRequest[];
  /** Sets the answer of a path, by default that of the token endpoint. */
  answer(reply: TokenReply, path?: string): void;
  /** Resolves once this many requests have arrived since the start. */
  arrived(count: number): Promise<void>;
  /** Cuts all connections and frees the port. May be called twice. */
  stop(): Promise<void>;
}

/** @param port default: a free one */
export async function startScriptedTokenEndpoint(port = 0): Promise<ScriptedTokenEndpoint> {
  const seen: SeenTokenRequest[] = [];
  const replies = new Map<string, TokenReply>();
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const body = new URLSearchParams(await text(request).catch(() => ''));
    const path = request.url ?? '';
    const asSeen = { at: performance.now(), path, headers: request.headers, body };
    seen.push(asSeen);
    server.emit('seen');
    (replies.get(path) ?? json(404, { error: 'not_found' }))(response, asSeen);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on TCP has an AddressInfo; the string is for pipes.
  const address = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    url: `${origin}/token`,
    origin,
    seen,
    answer: (reply, path = '/token') => void replies.set(path, reply),
    async arrived(count) {
      while (seen.length < count) await once(server, 'seen');
    },
    async stop() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): TokenReply {
  return raw(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

export function raw(status: number, body: string, headers: Record<string, string> = {}): TokenReply {
  return (response) => void response.writeHead(status, headers).end(body);
}

/** A token response of RFC 6749 §5.1 with these changes. `undefined` leaves a field out. */
export function tokens(changes: Record<string, unknown> = {}): TokenReply {
  return json(200, { access_token: 'a2', token_type: 'Bearer', expires_in: 3600, ...changes });
}

/** An error response of RFC 6749 §5.2. */
export function oauthError(error: string, status = 400): TokenReply {
  return json(status, { error, error_description: 'no' });
}

/** Cuts the connection, after this part of an answer if given. */
export function cut(said?: string): TokenReply {
  return (response) => {
    if (said === undefined) return void response.socket?.destroy();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': said.length + 100 });
    response.write(said, () => response.socket?.destroy());
  };
}

/** An answer that never ends. It does not depend on timers, which a test may replace. */
export function trickle(): TokenReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const next = () => {
      if (!response.destroyed) response.write(' ', () => setImmediate(next));
    };
    next();
  };
}

/** Gives these replies in turn, and then repeats the last one. */
export function inTurn(...replies: TokenReply[]): TokenReply {
  let turn = 0;
  return (response, request) => {
    const reply = replies[Math.min(turn, replies.length - 1)];
    turn += 1;
    reply?.(response, request);
  };
}

/** A reply that is held back until `letGo` is called. */
export function heldBack(reply: TokenReply): { letGo: () => void; reply: TokenReply } {
  let letGo = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { letGo, reply: (...exchange) => void released.then(() => reply(...exchange)) };
}
