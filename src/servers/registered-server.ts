import type { JWK } from 'jose';
import type { TokenEndpointAuthMethod } from '../oauth/client-authentication.ts';

/** How requests to a server are authorized, without the secrets. */
export type ServerAuth =
  | { type: 'none' }
  | { type: 'bearer' }
  | {
      type: 'oauth2';
      clientId?: string;
      /** How the operator's client authenticates; absent: it is found out from metadata and by trying. */
      tokenEndpointAuthMethod?: TokenEndpointAuthMethod;
      scopes?: string;
      authorizationServer?: string;
      /** These three replace what the authorization server's metadata say, which may be missing. */
      authorizationEndpoint?: string;
      tokenEndpoint?: string;
      revocationEndpoint?: string;
      /** Sent with every authorization request. */
      authorizationParams?: Record<string, string>;
      /** RFC 8707. A URI, or `omit`: no request has a resource. */
      resource?: string;
      /** A duration: the authorization server forgets a refresh token that was not used for so long. */
      idleLimit?: string;
    };

/** An MCP server as an admin registered it, without its secrets. */
export interface RegisteredServer {
  id: string;
  /** Changes with the origin, the resource or the issuer. Credentials are bound to it. */
  revision: number;
  /** Changes with every registration. Pooled MCP connections are bound to it. */
  registrationVersion: number;
  /** Without its query, which may hold secrets: see `addressOf`. */
  url: string;
  /** The names of the query's parameters; empty for a parameter without a name. */
  queryNames: string[];
  /** The query of a registration that is older than the encryption of queries. Never shown. */
  clearQuery?: string;
  title?: string;
  auth: ServerAuth;
  headerNames: string[];
  trustAnnotations: boolean;
  /** The largest tool result, in bytes. */
  maxResultBytes: number;
  /** The most calls that all workers together make to it at once. Absent: no limit. */
  maxConcurrentCalls?: number;
  /** While a server is paused, its steps wait. */
  paused: boolean;
  createdAt: Date;
  updatedAt: Date;
}

/** The encrypted part of a registration. */
export interface ServerSecrets {
  token?: string;
  clientSecret?: string;
  /** For `private_key_jwt`. */
  privateKey?: JWK;
  headers?: Record<string, string>;
  /** The query of the URL, with its `?`. */
  urlQuery?: string;
}

/** A row of `mcp_server`, as `pg` returns it (bigint as text). */
export interface ServerRow {
  id: string;
  revision: string;
  registration_version: string;
  url: string;
  url_query_names: string[];
  title: string | null;
  auth_type: 'none' | 'bearer' | 'oauth2';
  client_id: string | null;
  token_endpoint_auth_method: TokenEndpointAuthMethod | null;
  scopes: string | null;
  authorization_server: string | null;
  authorization_endpoint: string | null;
  token_endpoint: string | null;
  revocation_endpoint: string | null;
  authorization_params: Record<string, string> | null;
  resource: string | null;
  idle_limit: string | null;
  header_names: string[];
  secret_jwe: string | null;
  trust_annotations: boolean;
  max_result_bytes: number;
  max_concurrent_calls: number | null;
  paused: boolean;
  created_at: Date;
  updated_at: Date;
}

/** Splits a registered URL before its query. */
export function splitQuery(url: string): { url: string; query: string } {
  const at = url.indexOf('?');
  return at === -1 ? { url, query: '' } : { url: url.slice(0, at), query: url.slice(at) };
}

export function queryNamesOf(query: string): string[] {
  return [...new URLSearchParams(query)].map(([name, value]) => (value === '' ? '' : name));
}

/**
 * Returns the server's address, byte for byte as it was registered. It may hold secrets: never log, store or show it.
 */
export function addressOf({ url, clearQuery = '' }: RegisteredServer, { urlQuery }: ServerSecrets): string {
  return url + (urlQuery ?? clearQuery);
}

export function serverFromRow(row: ServerRow): RegisteredServer {
  const { url, query } = splitQuery(row.url);
  return {
    id: row.id,
    revision: Number(row.revision),
    registrationVersion: Number(row.registration_version),
    url,
    queryNames: query === '' ? row.url_query_names : queryNamesOf(query),
    ...(query !== '' && { clearQuery: query }),
    ...(row.title !== null && { title: row.title }),
    auth: authFromRow(row),
    headerNames: row.header_names,
    trustAnnotations: row.trust_annotations,
    maxResultBytes: row.max_result_bytes,
    ...(row.max_concurrent_calls !== null && { maxConcurrentCalls: row.max_concurrent_calls }),
    paused: row.paused,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function authFromRow(row: ServerRow): ServerAuth {
  if (row.auth_type !== 'oauth2') return { type: row.auth_type };
  return {
    type: 'oauth2',
    ...(row.client_id !== null && { clientId: row.client_id }),
    ...(row.token_endpoint_auth_method !== null && {
      tokenEndpointAuthMethod: row.token_endpoint_auth_method,
    }),
    ...(row.scopes !== null && { scopes: row.scopes }),
    ...(row.authorization_server !== null && { authorizationServer: row.authorization_server }),
    ...(row.authorization_endpoint !== null && { authorizationEndpoint: row.authorization_endpoint }),
    ...(row.token_endpoint !== null && { tokenEndpoint: row.token_endpoint }),
    ...(row.revocation_endpoint !== null && { revocationEndpoint: row.revocation_endpoint }),
    ...(row.authorization_params !== null && { authorizationParams: row.authorization_params }),
    ...(row.resource !== null && { resource: row.resource }),
    ...(row.idle_limit !== null && { idleLimit: row.idle_limit }),
  };
}
