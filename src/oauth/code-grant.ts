import * as oauth from 'oauth4webapi';
import { fetchWithin } from '../net/fetch-within.ts';
import type { AddressSource, GuardedFetch } from '../net/network.ts';
import { createSecretRedaction, secretsInUrl } from '../net/secret-redaction.ts';
import { type AuthenticatedRequest, authenticationForms, mayBlameMethod } from './authentication-forms.ts';
import { clientAuthentication, secretsOfClient } from './client-authentication.ts';
import { guardedOptions } from './library-options.ts';
import type { Refusal } from './refusal.ts';
import { readTokenAnswer, type TokenAnswer, type TokenOutcome } from './token-answer.ts';

export interface CodeGrantRequest extends AuthenticatedRequest {
  tokenEndpoint: string;
  addressFrom: AddressSource;
  code: string;
  /** As in the authorization request, byte for byte. */
  redirectUri: string;
  codeVerifier: string;
  /** RFC 8707. As in the authorization request, byte for byte. */
  resource?: string;
}

export type CodeGrantOutcome =
  | { kind: 'tokens'; answer: TokenAnswer }
  | ({ kind: 'refused' } & Refusal)
  /** There is no usable answer. The code may be used up, so only a new authorization request helps. */
  | { kind: 'failed'; cause: string };

/** Of all requests together. The user's browser is waiting. */
const TIMEOUT_MS = 60_000;
const LIMITS = { headersTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS, maxBodyBytes: 256 * 1024 };

/**
 * Exchanges an authorization code for tokens. Never throws because of the network or the server. A code is sent again
 * only after a refusal that may mean the method of client authentication, and only if that was assumed.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3, https://www.rfc-editor.org/rfc/rfc7636#section-4.5
 */
export async function exchangeCode(
  guardedFetch: GuardedFetch,
  request: CodeGrantRequest,
): Promise<CodeGrantOutcome> {
  const fetched = await fetchWithin(guardedFetch, TIMEOUT_MS, (limited) => tryMethods(limited, request));
  return fetched.kind === 'done' ? fetched.value : fetched;
}

async function tryMethods(guardedFetch: GuardedFetch, request: CodeGrantRequest): Promise<CodeGrantOutcome> {
  let first: CodeGrantOutcome | undefined;
  for (const form of authenticationForms(request)) {
    const outcome = toCodeGrantOutcome(await sendCode(guardedFetch, form));
    if (outcome.kind === 'tokens') return outcome;
    first ??= outcome;
    if (outcome.kind !== 'refused' || !mayBlameMethod(outcome.codes)) break;
  }
  return first ?? { kind: 'failed', cause: 'not-sent' };
}

async function sendCode(guardedFetch: GuardedFetch, request: CodeGrantRequest): Promise<TokenOutcome> {
  const { tokenEndpoint, addressFrom } = request;
  const response = await oauth.genericTokenEndpointRequest(
    { issuer: request.issuer ?? tokenEndpoint, token_endpoint: tokenEndpoint },
    { client_id: request.clientId ?? 'none' },
    clientAuthentication(request),
    'authorization_code',
    parametersOf(request),
    guardedOptions(guardedFetch, { addressFrom, ...LIMITS }),
  );
  return readTokenAnswer(response, createSecretRedaction(...secretsOf(request)));
}

function parametersOf({ code, redirectUri, codeVerifier, resource }: CodeGrantRequest): URLSearchParams {
  const parameters = new URLSearchParams({ code, redirect_uri: redirectUri, code_verifier: codeVerifier });
  if (resource !== undefined) parameters.set('resource', resource);
  return parameters;
}

/** Returns what the server could quote in its answer. */
function secretsOf(request: CodeGrantRequest): string[] {
  const { code, codeVerifier, tokenEndpoint } = request;
  return [code, codeVerifier, ...secretsOfClient(request), ...secretsInUrl(tokenEndpoint)];
}

function toCodeGrantOutcome(outcome: TokenOutcome): CodeGrantOutcome {
  switch (outcome.kind) {
    case 'tokens':
    case 'refused':
      return outcome;
    case 'rate-limited':
      return { kind: 'failed', cause: 'rate-limited' };
    case 'unusable':
      return { kind: 'failed', cause: outcome.cause };
    default:
      return outcome satisfies never;
  }
}
