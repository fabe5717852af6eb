import { parseDuration } from '../contracts/durations.ts';
import type { Db } from '../db/pool.ts';
import type { TokenEndpointAuthMethod } from '../oauth/client-authentication.ts';
import type { ServerRegistration } from '../schemas/server.ts';
import {
  queryNamesOf,
  type RegisteredServer,
  type ServerRow,
  serverFromRow,
  splitQuery,
} from './registered-server.ts';

interface ServerToStore {
  id: string;
  registration: ServerRegistration;
  secretJwe: string | null;
  /** Credentials stay bound to the server. */
  keepRevision: boolean;
  /** A registration that another process has stored meanwhile stays. */
  onlyNew: boolean;
}

/**
 * Writes the row of a server. Leaves the switch of a registered server as it is: `writeSwitch` changes it. Undefined: only
 * if the server must be new, and is not.
 */
export async function upsertServer(
  db: Db,
  { id, registration, secretJwe, keepRevision, onlyNew }: ServerToStore,
): Promise<RegisteredServer | undefined> {
  const oauth2 = registration.auth.type === 'oauth2' ? registration.auth : undefined;
  const { url, query } = splitQuery(registration.url);
  const { rows } = await db.query<ServerRow>(
    `INSERT INTO mcp_server AS s (id, url, title, auth_type, client_id, scopes, authorization_server,
       header_names, secret_jwe, trust_annotations, max_result_bytes, idle_limit, idle_limit_seconds,
       token_endpoint_auth_method, url_query_names, authorization_endpoint, token_endpoint, revocation_endpoint,
       authorization_params, resource, paused, max_concurrent_calls)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $24)
     ON CONFLICT (id) DO UPDATE SET
       revision = CASE WHEN $12 THEN s.revision ELSE nextval('mcp_server_revision') END,
       registration_version = nextval('mcp_server_revision'),
       url = excluded.url, title = excluded.title, auth_type = excluded.auth_type,
       client_id = excluded.client_id, scopes = excluded.scopes,
       authorization_server = excluded.authorization_server, header_names = excluded.header_names,
       secret_jwe = excluded.secret_jwe, trust_annotations = excluded.trust_annotations,
       max_result_bytes = excluded.max_result_bytes, idle_limit = excluded.idle_limit,
       idle_limit_seconds = excluded.idle_limit_seconds,
       token_endpoint_auth_method = excluded.token_endpoint_auth_method,
       url_query_names = excluded.url_query_names,
       authorization_endpoint = excluded.authorization_endpoint, token_endpoint = excluded.token_endpoint,
       revocation_endpoint = excluded.revocation_endpoint,
       authorization_params = excluded.authorization_params, resource = excluded.resource,
       max_concurrent_calls = excluded.max_concurrent_calls, updated_at = now()
       WHERE NOT $23
     RETURNING *`,
    [
      id,
      url,
      registration.title ?? null,
      registration.auth.type,
      oauth2?.clientId ?? null,
      oauth2?.scopes ?? null,
      oauth2?.authorizationServer ?? null,
      Object.keys(registration.headers ?? {}),
      secretJwe,
      registration.trustAnnotations,
      registration.maxResultBytes,
      keepRevision,
      oauth2?.idleLimit ?? null,
      secondsOf(oauth2?.idleLimit),
      authMethodOf(registration),
      queryNamesOf(query),
      oauth2?.authorizationEndpoint ?? null,
      oauth2?.tokenEndpoint ?? null,
      oauth2?.revocationEndpoint ?? null,
      oauth2?.authorizationParams === undefined ? null : JSON.stringify(oauth2.authorizationParams),
      oauth2?.resource ?? null,
      registration.paused,
      onlyNew,
      registration.maxConcurrentCalls ?? null,
    ],
  );
  return rows[0] && serverFromRow(rows[0]);
}

// A key can be used with one method alone.
function authMethodOf({ auth }: ServerRegistration): TokenEndpointAuthMethod | null {
  if (auth.type !== 'oauth2') return null;
  return auth.tokenEndpointAuthMethod ?? (auth.privateKey === undefined ? null : 'private_key_jwt');
}

function secondsOf(duration: string | undefined): number | null {
  const ms = duration === undefined ? undefined : parseDuration(duration);
  return ms === undefined ? null : Math.round(ms / 1000);
}
