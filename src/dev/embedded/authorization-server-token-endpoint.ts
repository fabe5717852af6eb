import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { peekForm } from './request-form.ts';
import type { RequestInterceptions, TakenRequest } from './request-interceptions.ts';

/** A recorded request to the token endpoint. */
export interface TokenRequest {
  /** When the request arrived, in milliseconds since the epoch. */
  at: number;
  grantType: string | undefined;
  clientId: string | undefined;
  accountId: string | undefined;
  /** `intercepted`: an interception answered or dropped the request before it was processed. */
  outcome: 'succeeded' | 'failed' | 'intercepted';
  /** The OAuth error code of a failed request. */
  error?: string;
}

/** What an interception does, and when. */
export type TokenEndpointAction =
  | { do: 'hold-before-processing' }
  /** Holds the response after the tokens have been rotated. If the client gives up then, the rotation is lost. */
  | { do: 'hold-after-processing' }
  | { do: 'drop-before-processing' }
  | { do: 'drop-after-processing' }
  | ({ do: 'answer-before-processing' } & CannedAnswer)
  | ({ do: 'answer-after-processing' } & CannedAnswer)
  | { do: 'delay'; ms: number };

export interface CannedAnswer {
  status: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: string | object;
}

export interface TokenRequestDescription {
  grantType: string | undefined;
  accountId: string | undefined;
}

export interface TokenEndpointDeps {
  path: string;
  requests: TokenRequest[];
  interceptions: RequestInterceptions<TokenRequestDescription, TokenEndpointAction>;
  accountOf: (token: string) => string | undefined;
  /** Called with every PKCE verifier that is received. */
  onVerifier: (codeVerifier: string) => void;
}

/** Creates middleware around oidc-provider's token endpoint. It records every request and applies interceptions. */
export function createTokenEndpoint(deps: TokenEndpointDeps) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (ctx.path !== deps.path || ctx.method !== 'POST') return next();
    const at = Date.now();
    const process = async () => {
      await next();
      deps.requests.push(processed(ctx, at));
      const verifier = textOf(ctx.oidc.params?.code_verifier);
      if (verifier !== undefined) deps.onVerifier(verifier);
    };
    if (!deps.interceptions.pending()) return process();
    const description = await describe(ctx.req, deps.accountOf);
    const taken = deps.interceptions.take(description);
    if (taken === undefined) return process();
    await intercept(ctx, taken, process, () => {
      deps.requests.push({ ...description, at, clientId: undefined, outcome: 'intercepted' });
    });
  };
}

async function intercept(
  ctx: KoaContextWithOIDC,
  { action, arrive, released }: TakenRequest<TokenEndpointAction>,
  process: () => Promise<void>,
  skip: () => void,
): Promise<void> {
  if (action.do.endsWith('-after-processing')) await process();
  else if (action.do.startsWith('answer') || action.do.startsWith('drop')) skip();
  arrive();
  switch (action.do) {
    case 'hold-before-processing':
      await released;
      return process();
    case 'hold-after-processing':
      return released;
    case 'drop-before-processing':
    case 'drop-after-processing':
      return drop(ctx);
    case 'answer-before-processing':
    case 'answer-after-processing':
      return answer(ctx, action);
    case 'delay':
      await Promise.race([delay(action.ms), released]);
      return process();
    default:
      action satisfies never;
  }
}

function drop(ctx: KoaContextWithOIDC): void {
  ctx.respond = false;
  ctx.req.socket.destroy();
}

function answer(ctx: KoaContextWithOIDC, { status, headers = {}, body = '' }: CannedAnswer): void {
  ctx.body = body;
  ctx.status = status;
  ctx.set(headers);
}

function processed(ctx: KoaContextWithOIDC, at: number): TokenRequest {
  const { params, entities } = ctx.oidc;
  const request = {
    at,
    grantType: textOf(params?.grant_type),
    clientId: entities.Client?.clientId,
    accountId: entities.Account?.accountId ?? entities.RefreshToken?.accountId,
  };
  if (ctx.status === 200) return { ...request, outcome: 'succeeded' };
  return { ...request, outcome: 'failed', error: errorOf(ctx.body) };
}

function errorOf(body: unknown): string {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return textOf(error) ?? 'unknown';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

async function describe(
  req: IncomingMessage,
  accountOf: (token: string) => string | undefined,
): Promise<TokenRequestDescription> {
  const form = await peekForm(req);
  const token = form.get('refresh_token') ?? form.get('code');
  return {
    grantType: form.get('grant_type') ?? undefined,
    accountId: token === null ? undefined : accountOf(token),
  };
}
