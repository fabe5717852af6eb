import * as oauth from 'oauth4webapi';
import { fetchWithin } from '../net/fetch-within.ts';
import type { AddressSource, GuardedFetch } from '../net/network.ts';
import type { KeylessAuthMethod } from './client-authentication.ts';
import type { ClientMetadata } from './client-metadata.ts';
import { guardedOptions } from './library-options.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { readJson } from './token-answer.ts';

export interface ClientRegistrationRequest {
  registrationEndpoint: string;
  addressFrom: AddressSource;
  metadata: ClientMetadata;
}

export interface RegisteredClient {
  clientId: string;
  clientSecret?: string;
  /** Absent: never. */
  clientSecretExpiresAt?: Date;
  /** Absent: the server does not state it. */
  tokenEndpointAuthMethod?: KeylessAuthMethod;
}

export type ClientRegistrationOutcome =
  | ({ kind: 'registered' } & RegisteredClient)
  | ({ kind: 'refused' } & Refusal)
  | { kind: 'failed'; cause: string };

const TIMEOUT_MS = 15_000;
const LIMITS = { headersTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS, maxBodyBytes: 256 * 1024 };

/**
 * Registers a client at an authorization server. Never throws because of the network or the server.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7591#section-3
 */
export async function registerClient(
  guardedFetch: GuardedFetch,
  request: ClientRegistrationRequest,
): Promise<ClientRegistrationOutcome> {
  const fetched = await fetchWithin(guardedFetch, TIMEOUT_MS, (limited) =>
    sendRegistration(limited, request),
  );
  return fetched.kind === 'done' ? fetched.value : fetched;
}

async function sendRegistration(
  guardedFetch: GuardedFetch,
  { registrationEndpoint, addressFrom, metadata }: ClientRegistrationRequest,
): Promise<ClientRegistrationOutcome> {
  const response = await oauth.dynamicClientRegistrationRequest(
    { issuer: registrationEndpoint, registration_endpoint: registrationEndpoint },
    { ...metadata },
    guardedOptions(guardedFetch, { addressFrom, ...LIMITS }),
  );
  return readRegistration(response);
}

// RFC 7591 §3.2.1 says 201, but some servers answer 200.
async function readRegistration(response: Response): Promise<ClientRegistrationOutcome> {
  const json = await readJson(response);
  const registered = response.ok ? registeredClient(json) : undefined;
  if (registered !== undefined) return registered;
  const refusal = json === undefined ? undefined : refusalOf(response.status, json);
  if (refusal !== undefined) return { kind: 'refused', ...refusal };
  return { kind: 'failed', cause: `http-${response.status}` };
}

const MAX_CLIENT_ID_LENGTH = 4_096;
const SUPPORTED: readonly unknown[] = ['client_secret_basic', 'client_secret_post', 'none'];

function registeredClient(json: unknown): ClientRegistrationOutcome | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  // The cast names what the line above has checked.
  const body = json as Record<string, unknown>;
  const clientId = nonEmpty(body.client_id);
  if (clientId === undefined || clientId.length > MAX_CLIENT_ID_LENGTH) return undefined;
  const method = body.token_endpoint_auth_method ?? undefined;
  if (method !== undefined && !SUPPORTED.includes(method)) {
    return { kind: 'failed', cause: 'unsupported-auth-method' };
  }
  const clientSecret = nonEmpty(body.client_secret);
  const expiresAt = clientSecret === undefined ? undefined : dateOf(body.client_secret_expires_at);
  return {
    kind: 'registered',
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(expiresAt !== undefined && { clientSecretExpiresAt: expiresAt }),
    // The cast repeats what the comparison with `SUPPORTED` has checked.
    ...(method !== undefined && { tokenEndpointAuthMethod: method as KeylessAuthMethod }),
  };
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The end of the year 9999, the last that RFC 3339 can write. */
const LATEST_SECONDS = 253_402_300_799;

// RFC 7591 §3.2.1: seconds since 1970, and 0 means never.
function dateOf(seconds: unknown): Date | undefined {
  if (typeof seconds !== 'number' || !(seconds > 0) || seconds > LATEST_SECONDS) return undefined;
  return new Date(seconds * 1000);
}
