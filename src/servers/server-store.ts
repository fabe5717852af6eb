import type { JWK } from 'jose';
import { appendAuditEvent } from '../audit/audit-log.ts';
import type { ServerResumption } from '../contracts/activities.ts';
import { parseDuration } from '../contracts/durations.ts';
import { type Db, inTransaction, type Pool } from '../db/pool.ts';
import type { TokenEndpointAuthMethod } from '../oauth/client-authentication.ts';
import type { ServerRegistration } from '../schemas/server.ts';
import type { Vault } from '../vault/vault.ts';
import {
  queryNamesOf,
  type RegisteredServer,
  type ServerRow,
  type ServerSecrets,
  serverFromRow,
  splitQuery,
} from './registered-server.ts';
import { openServerSecrets } from './server-secrets.ts';
import { resumeRemovedServer, switchServer, writeSwitch } from './server-switch.ts';

export interface ServerStore {
  /**
   * Registers a server, or replaces its whole registration. A registration that is not paused resumes a paused server.
   *
   * @param by the admin's user id, for the audit log
   */
  put(
    id: string,
    registration: ServerRegistration,
    by?: string,
  ): Promise<{ server: RegisteredServer; created: boolean }>;
  /** Registers a server under an id that is free. Undefined: it is not, and nothing was changed. */
  add(id: string, registration: ServerRegistration, by?: string): Promise<RegisteredServer | undefined>;
  find(id: string): Promise<RegisteredServer | undefined>;
  list(): Promise<RegisteredServer[]>;
  /**
   * Pauses or resumes a server: needs no secrets, and keeps users connected. Repeating it changes nothing.
   *
   * @returns false if the server is not registered
   */
  setPaused(id: string, paused: boolean, by?: string): Promise<boolean>;
  /** The steps that wait for the server are told, and end. */
  remove(id: string, by?: string): Promise<boolean>;
}

/** @param startResumption tells the steps that wait for a paused server; called after the commit. Never rejects. */
export function createServerStore(
  pool: Pool,
  vault: Vault,
  startResumption: (resumed: ServerResumption) => Promise<void> = async () => {},
): ServerStore {
  const resume = async (mcpServerId: string, resumption: number | undefined) => {
    if (resumption !== undefined) await startResumption({ mcpServerId, resumption });
  };
  return {
    async put(id, registration, by) {
      const stored = await put({ pool, vault }, { id, registration, actorUserId: by ?? null });
      if (stored === undefined) throw new Error('the upsert returned no row');
      const { resumption, ...rest } = stored;
      await resume(id, resumption);
      return rest;
    },
    async add(id, registration, by) {
      const added = { id, registration, actorUserId: by ?? null, onlyNew: true };
      return (await put({ pool, vault }, added))?.server;
    },
    async find(id) {
      const { rows } = await pool.query<ServerRow>('SELECT * FROM mcp_server WHERE id = $1', [id]);
      return rows[0] && serverFromRow(rows[0]);
    },
    async list() {
      const { rows } = await pool.query<ServerRow>('SELECT * FROM mcp_server ORDER BY id');
      return rows.map(serverFromRow);
    },
    async setPaused(id, paused, by) {
      const change = { paused, actorUserId: by ?? null };
      const outcome = await inTransaction(pool, (db) => switchServer(db, id, change));
      if (outcome.kind === 'resumed') await resume(id, outcome.resumption);
      return outcome.kind !== 'unknown-server';
    },
    async remove(id, by) {
      const removed = await inTransaction(pool, (db) => remove(db, id, by ?? null));
      await resume(id, removed?.resumption);
      return removed !== undefined;
    },
  };
}

/** Undefined: the server is not registered. */
async function remove(
  db: Db,
  id: string,
  actorUserId: string | null,
): Promise<{ resumption: number | undefined } | undefined> {
  const { rows } = await db.query<{ paused: boolean }>(
    'DELETE FROM mcp_server WHERE id = $1 RETURNING paused',
    [id],
  );
  if (rows[0] === undefined) return undefined;
  await appendAuditEvent(db, { action: 'server-removed', actorUserId, mcpServerId: id });
  return { resumption: await resumeRemovedServer(db, id, rows[0].paused) };
}

interface ServerToPut {
  id: string;
  registration: ServerRegistration;
  actorUserId: string | null;
  /** Replaces no registration. */
  onlyNew?: boolean;
}

/** Undefined: only if it must be new, and is not. */
async function put(
  { pool, vault }: { pool: Pool; vault: Vault },
  { id, registration, actorUserId, onlyNew = false }: ServerToPut,
) {
  const secretJwe = await sealSecrets(vault, id, registration);
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<ServerRow>('SELECT * FROM mcp_server WHERE id = $1 FOR UPDATE', [id]);
    const before = rows[0];
    if (onlyNew && before !== undefined) return undefined;
    const keepRevision =
      before !== undefined &&
      isSameParty(before, registration) &&
      (await isSameQuery(vault, before, splitQuery(registration.url).query));
    const { paused } = registration;
    const isSwitched = before !== undefined && before.paused !== paused;
    const resumption = isSwitched ? await writeSwitch(db, id, paused) : undefined;
    const server = await upsert(db, { id, registration, secretJwe, keepRevision, onlyNew });
    if (server === undefined) return undefined;
    const created = before === undefined;
    const details = { created, revision: server.revision, ...(paused && { paused }) };
    await appendAuditEvent(db, { action: 'server-registered', actorUserId, mcpServerId: id, details });
    return { server, created, resumption };
  });
}

// A credential was granted for one origin, resource and issuer. It must not be sent to another.
function isSameParty(before: ServerRow, now: ServerRegistration): boolean {
  const oauth2 = now.auth.type === 'oauth2' ? now.auth : undefined;
  return (
    splitQuery(before.url).url === splitQuery(now.url).url &&
    before.auth_type === now.auth.type &&
    before.authorization_server === (oauth2?.authorizationServer ?? null) &&
    before.authorization_endpoint === (oauth2?.authorizationEndpoint ?? null) &&
    before.token_endpoint === (oauth2?.tokenEndpoint ?? null) &&
    before.revocation_endpoint === (oauth2?.revocationEndpoint ?? null) &&
    before.resource === (oauth2?.resource ?? null)
  );
}

// A query may name the resource too (`?tenant=…`). A stored query that can't be decrypted any more counts as another
// one.
async function isSameQuery(vault: Vault, row: ServerRow, now: string): Promise<boolean> {
  const { clearQuery, queryNames } = serverFromRow(row);
  if (clearQuery !== undefined) return clearQuery === now;
  if (now === '' || queryNames.length === 0) return now === '' && queryNames.length === 0;
  const opened = await openServerSecrets(vault, row.id, row.secret_jwe);
  return opened.kind === 'opened' && opened.secrets.urlQuery === now;
}

interface ServerToStore {
  id: string;
  registration: ServerRegistration;
  secretJwe: string | null;
  /** Credentials stay bound to the server. */
  keepRevision: boolean;
  /** A registration that another process has stored meanwhile stays. */
  onlyNew: boolean;
}

// Leaves the switch of a registered server as it is: `writeSwitch` changes it.
async function upsert(
  db: Db,
  { id, registration, secretJwe, keepRevision, onlyNew }: ServerToStore,
): Promise<RegisteredServer | undefined> {
  const oauth2 = registration.auth.type === 'oauth2' ? registration.auth : undefined;
  const { url, query } = splitQuery(registration.url);
  const { rows } = await db.query<ServerRow>(
    `INSERT INTO mcp_server AS s (id, url, title, auth_type, client_id, scopes, authorization_server,
       header_names, secret_jwe, trust_annotations, max_result_bytes, idle_limit, idle_limit_seconds,
       token_endpoint_auth_method, url_query_names, authorization_endpoint, token_endpoint, revocation_endpoint,
       authorization_params, resource, paused)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
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
       authorization_params = excluded.authorization_params, resource = excluded.resource, updated_at = now()
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

async function sealSecrets(vault: Vault, id: string, registration: ServerRegistration) {
  const { query } = splitQuery(registration.url);
  const { auth } = registration;
  const secrets: ServerSecrets = {
    ...(query !== '' && { urlQuery: query }),
    ...(auth.type === 'bearer' && { token: auth.token }),
    ...(auth.type === 'oauth2' && auth.clientSecret !== undefined && { clientSecret: auth.clientSecret }),
    // The cast drops `| undefined` from the optional members: JSON leaves them out.
    ...(auth.type === 'oauth2' && auth.privateKey !== undefined && { privateKey: auth.privateKey as JWK }),
    ...(registration.headers && { headers: registration.headers }),
  };
  if (Object.keys(secrets).length === 0) return null;
  return vault.seal('server-secret', { mcpServerId: id }, JSON.stringify(secrets));
}
