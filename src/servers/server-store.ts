import { appendAuditEvent } from '../audit/audit-log.ts';
import type { ServerResumption } from '../contracts/background-activities.ts';
import { type Db, inTransaction, type Pool } from '../db/pool.ts';
import type { ServerRegistration } from '../schemas/server.ts';
import type { Vault } from '../vault/vault.ts';
import { type RegisteredServer, type ServerRow, serverFromRow, splitQuery } from './registered-server.ts';
import { openServerSecrets, sealServerSecrets } from './server-secrets.ts';
import { resumeRemovedServer, switchServer, writeSwitch } from './server-switch.ts';
import { upsertServer } from './upsert-server.ts';

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
  const secretJwe = await sealServerSecrets(vault, id, registration);
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
    const server = await upsertServer(db, { id, registration, secretJwe, keepRevision, onlyNew });
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
