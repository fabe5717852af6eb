import type { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import type { ToolAction, ToolExchange } from './demo-tool-calls.ts';
import { BASIC_SCOPE, SCOPE_OF_TOOL } from './demo-tools.ts';
import {
  type Authorization,
  type Caller,
  createAuthorizer,
  insufficientScopeChallenge,
  type McpServerAuth,
  type ProtectedResource,
} from './mcp-server-authorization.ts';
import type { McpSessions } from './mcp-server-sessions.ts';
import type { RequestInterceptions, TakenRequest } from './request-interceptions.ts';

/** A recorded HTTP request to the MCP endpoint. */
export interface McpRequest {
  /** When its headers arrived, in milliseconds since the epoch. */
  at: number;
  httpMethod: string;
  /** Such as `tools/call`. Undefined if the body is not a single JSON-RPC message, or the token is not accepted. */
  rpcMethod: string | undefined;
  /** The tool of a `tools/call`. */
  tool: string | undefined;
  /** Undefined if the token is not accepted. */
  user: string | undefined;
  /** Undefined until the response ends, and if it never does. */
  status: number | undefined;
}

/** What an interception does to a request with an accepted token, before the request reaches its session. */
export type McpRequestAction =
  | { do: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  | { do: 'drop' }
  | { do: 'hold' };

export interface ToolSubject {
  tool: string;
  user: string;
}

export interface McpListenerDeps {
  auth: McpServerAuth;
  resource: ProtectedResource;
  sessions: McpSessions;
  /** Gives a tool access to its HTTP request. */
  exchanges: AsyncLocalStorage<ToolExchange>;
  requests: McpRequest[];
  requestInterceptions: RequestInterceptions<McpRequest, McpRequestAction>;
  toolInterceptions: RequestInterceptions<ToolSubject, ToolAction>;
}

export const MCP_PATH = '/mcp';

/** @see https://www.rfc-editor.org/rfc/rfc9728#section-3.1 */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

const rpcMessage = z.object({
  method: z.string(),
  params: z.object({ name: z.string().optional() }).optional(),
});

/** Creates the server's `request` listener: metadata, authorization, interceptions, then the MCP session. */
export function createMcpListener(deps: McpListenerDeps) {
  const authorize = createAuthorizer(deps.auth, deps.resource);
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const [path = ''] = (req.url ?? '').split('?');
    if (path.startsWith(METADATA_PATH)) return answerMetadata(deps, path, res);
    if (path !== MCP_PATH) return answer(res, 404);
    const request = startRequest(deps.requests, req, res);
    const authorization = await authorize(req);
    if (authorization.kind !== 'accepted') return answerUnauthorized(res, authorization);
    return serveCaller(deps, { req, res, request, caller: authorization.caller });
  };
  return (req: IncomingMessage, res: ServerResponse): void => {
    // The body ended early, or it is not JSON, which no client of the tests sends.
    serve(req, res).catch(() => req.socket.destroy());
  };
}

function startRequest(requests: McpRequest[], req: IncomingMessage, res: ServerResponse): McpRequest {
  const request: McpRequest = {
    at: Date.now(),
    httpMethod: req.method ?? '',
    rpcMethod: undefined,
    tool: undefined,
    user: undefined,
    status: undefined,
  };
  requests.push(request);
  res.once('finish', () => {
    request.status = res.statusCode;
  });
  return request;
}

interface AuthorizedRequest {
  req: IncomingMessage;
  res: ServerResponse;
  /** Its record in `deps.requests`. */
  request: McpRequest;
  caller: Caller;
}

async function serveCaller(
  deps: McpListenerDeps,
  { req, res, request, caller }: AuthorizedRequest,
): Promise<void> {
  const body = req.method === 'POST' ? await json(req) : undefined;
  Object.assign(request, rpcOf(body), { user: caller.user });
  const taken = deps.requestInterceptions.take(request);
  if (taken !== undefined && (await intercept(taken, req, res)) === 'answered') return;
  const scope = missingScope(request, caller);
  if (scope !== undefined) {
    return answer(res, 403, { 'www-authenticate': insufficientScopeChallenge(deps.resource, scope) });
  }
  const exchange = createExchange(deps, req, caller.user);
  await deps.exchanges.run(exchange, () => deps.sessions.handle(req, res, body, caller.user));
}

function rpcOf(body: unknown): Pick<McpRequest, 'rpcMethod' | 'tool'> {
  const { data } = rpcMessage.safeParse(body);
  return {
    rpcMethod: data?.method,
    tool: data?.method === 'tools/call' ? data.params?.name : undefined,
  };
}

async function intercept(
  { action, arrive, released }: TakenRequest<McpRequestAction>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<'answered' | 'continue'> {
  arrive();
  switch (action.do) {
    case 'answer':
      answer(res, action.status, action.headers, action.body);
      return 'answered';
    case 'drop':
      req.socket.destroy();
      return 'answered';
    case 'hold':
      await released;
      return 'continue';
  }
}

function missingScope({ tool = '' }: McpRequest, { scopes }: Caller): string | undefined {
  const scope = SCOPE_OF_TOOL[tool];
  return scope === undefined || scopes === undefined || scopes.has(scope) ? undefined : scope;
}

function createExchange(
  { toolInterceptions }: McpListenerDeps,
  req: IncomingMessage,
  user: string,
): ToolExchange {
  return {
    user,
    take: (tool) => toolInterceptions.take({ tool, user }),
    drop: () => req.socket.destroy(),
  };
}

function answerUnauthorized(
  res: ServerResponse,
  refusal: Exclude<Authorization, { kind: 'accepted' }>,
): void {
  if (refusal.kind === 'undecided') answer(res, 503, { 'retry-after': '1' });
  else answer(res, 401, { 'www-authenticate': refusal.challenge });
}

function answerMetadata({ auth, resource }: McpListenerDeps, path: string, res: ServerResponse): void {
  const known = path === METADATA_PATH || path === METADATA_PATH + MCP_PATH;
  if (auth.type !== 'oauth2' || !known) answer(res, 404);
  else {
    const metadata = metadataOf(resource, auth.authorizationServer.issuer);
    answer(res, 200, { 'content-type': 'application/json' }, JSON.stringify(metadata));
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc9728#section-2 */
function metadataOf({ resource }: ProtectedResource, issuer: string) {
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: [BASIC_SCOPE, ...Object.values(SCOPE_OF_TOOL)],
    bearer_methods_supported: ['header'],
  };
}

function answer(res: ServerResponse, status: number, headers: Record<string, string> = {}, body = ''): void {
  res.writeHead(status, headers).end(body);
}
