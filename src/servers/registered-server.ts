import type { TokenEndpointAuthMethod } from '../oauth/client-authentication.ts';

/** How requests to a server are authorized; secrets stay in the store. */
export type ServerAuth =
  | { type: 'none' }
  | { type: 'bearer' }
  | {
      type: 'oauth2';
      clientId?: string;
      /** How the operator's client authenticates; absent: found out. */
      tokenEndpointAuthMethod?: TokenEndpointAuthMethod;
      scopes?: string;
      authorizationServer?: string;
      /** A duration: the authorization server forgets a refresh token that nobody uses for so long. */
      idleLimit?: string;
    };

/** An MCP server as an admin registered it, without its secrets. */
export interface RegisteredServer {
  id: string;
  /** Changes with the origin, resource or issuer: credentials are bound to it. */
  revision: number;
  /** Changes with anything: pooled connections are bound to it. */
  registrationVersion: number;
  /** Without its query, which may hold keys: see `addressOf`. */
  url: string;
  /** Of the parameters of its query; empty for one without a name. */
  queryNames: string[];
  /** The query of a registration from before queries were kept encrypted. Shown to nobody. */
  clearQuery?: string;
  title?: string;
  auth: ServerAuth;
  headerNames: string[];
  trustAnnotations: boolean;
  /** Bytes of one tool result, at most. */
  maxResultBytes: number;
  createdAt: Date;
  updatedAt: Date;
}

/** What of a registration is kept encrypted. */
export interface ServerSecrets {
  token?: string;
  clientSecret?: string;
  headers?: Record<string, string>;
  /** Of the URL, with its `?`. */
  urlQuery?: string;
}

/** A row of `mcp_server`, as `pg` answers it (bigint as text). */
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
  idle_limit: string | null;
  header_names: string[];
  secret_jwe: string | null;
  trust_annotations: boolean;
  max_result_bytes: number;
  created_at: Date;
  updated_at: Date;
}

/** A URL as it was registered, cut before its query. */
export function splitQuery(url: string): { url: string; query: string } {
  const at = url.indexOf('?');
  return at === -1 ? { url, query: '' } : { url: url.slice(0, at), query: url.slice(at) };
}

export function queryNamesOf(query: string): string[] {
  return [...new URLSearchParams(query)].map(([name, value]) => (value === '' ? '' : name));
}

/** Where the server is asked, byte for byte as it was registered. Holds secrets: never logged, stored or shown. */
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
    ...(row.idle_limit !== null && { idleLimit: row.idle_limit }),
  };
}
