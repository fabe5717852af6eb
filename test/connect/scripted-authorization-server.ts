import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';

export interface SeenRequest {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  form: URLSearchParams;
}

export type Reply = (response: ServerResponse, request: SeenRequest) => void;

/** An authorization server whose metadata and answers the test scripts. Its authorization endpoint is never opened. */
export interface ScriptedAuthorizationServer {
  issuer: string;
  seen: SeenRequest[];
  /** The requests to `/token`, as forms. */
  tokenRequests(): URLSearchParams[];
  /** The bodies of the requests to `/register`. */
  registrations(): Record<string, unknown>[];
  answer(path: '/token' | '/register' | '/userinfo', reply: Reply): void;
  stop(): Promise<void>;
}

const METADATA_PATH = '/.well-known/oauth-authorization-server';

/** @param changes of the metadata; `undefined` leaves a member out */
export async function startScriptedAuthorizationServer(
  changes: Record<string, unknown> = {},
): Promise<ScriptedAuthorizationServer> {
  const server = await startLoopbackHttpServer();
  const issuer = server.origin;
  const seen: SeenRequest[] = [];
  let clients = 0;
  const replies = new Map<string, Reply>([
    [METADATA_PATH, json(200, { ...metadataOf(issuer), ...changes })],
    ['/token', tokens()],
    ['/register', (response, request) => json(201, { client_id: `client-${++clients}` })(response, request)],
  ]);
  server.http.on('request', async (request, response) => {
    const body = await text(request).catch(() => '');
    const path = (request.url ?? '').split('?')[0] ?? '';
    const asSeen = { path, headers: request.headers, body, form: new URLSearchParams(body) };
    seen.push(asSeen);
    (replies.get(path) ?? json(404, {}))(response, asSeen);
  });
  const requestsTo = (path: string) => seen.filter((request) => request.path === path);
  return {
    issuer,
    seen,
    tokenRequests: () => requestsTo('/token').map(({ form }) => form),
    registrations: () => requestsTo('/register').map(({ body }) => JSON.parse(body)),
    answer: (path, reply) => void replies.set(path, reply),
    stop: () => server.close(),
  };
}

function metadataOf(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    authorization_response_iss_parameter_supported: true,
  };
}

export function json(status: number, body: unknown): Reply {
  return (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A token response. `undefined` leaves a member out. */
export function tokens(changes: Record<string, unknown> = {}): Reply {
  return json(200, {
    access_token: 'access-1',
    refresh_token: 'refresh-1',
    token_type: 'Bearer',
    expires_in: 3600,
    ...changes,
  });
}
