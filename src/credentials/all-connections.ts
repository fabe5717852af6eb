/** The connections of all users, for admins. Pages are read in the order of the primary key, each by an index. */
import type { ConnectionReason } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';

export interface ConnectionFilter {
  userId?: string | undefined;
  mcpServerId?: string | undefined;
  status?: 'connected' | 'reauth-required' | undefined;
  /** Only with `reauth-required`. */
  reason?: ConnectionReason | undefined;
  /** Connections that got their status then or later. */
  since?: Date | undefined;
}

/** What identifies a connection, in the order of the list. */
export interface ConnectionKey {
  userId: string;
  mcpServerId: string;
  account: string;
}

export interface UserConnection extends ConnectionKey {
  status: 'connected' | 'reauth-required';
  reason?: ConnectionReason;
  label?: string;
  scopes?: string;
  version: number;
  updatedAt: Date;
  waitingSteps: number;
}

export interface ConnectionsPage {
  filter: ConnectionFilter;
  /** The last connection of the previous page. */
  after?: ConnectionKey | undefined;
  limit: number;
}

/** Lists connections, without the disconnected ones and those to servers that are not registered any more. */
export async function listAllConnections(
  db: Db,
  { filter, after, limit }: ConnectionsPage,
): Promise<UserConnection[]> {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const conditions = [
    ...(filter.userId === undefined ? [] : [`c.user_id = ${value(filter.userId)}`]),
    ...(filter.mcpServerId === undefined ? [] : [`c.mcp_server_id = ${value(filter.mcpServerId)}`]),
    ...(filter.since === undefined ? [] : [`c.status_since >= ${value(filter.since)}`]),
    ...(after === undefined
      ? []
      : [`${KEY} > (${[after.userId, after.mcpServerId, after.account].map(value).join(', ')})`]),
  ];
  const max = value(limit);
  const branches = branchesOf(filter, value).map(
    (branch) => `(${SELECT} WHERE ${[branch, ...conditions].join(' AND ')} ORDER BY ${ORDER} LIMIT ${max})`,
  );
  const page = `SELECT * FROM (${branches.join(' UNION ALL ')}) c ORDER BY ${ORDER} LIMIT ${max}`;
  const { rows } = await db.query<Row>(`SELECT c.*, (${WAITING}) AS waiting_steps FROM (${page}) c`, values);
  return rows.map(connectionFromRow);
}

const ORDER = 'user_id, mcp_server_id, account';
const KEY = '(c.user_id, c.mcp_server_id, c.account)';
const CHANGED = 'c.server_revision <> s.revision';

const SELECT = `
  SELECT c.user_id, c.mcp_server_id, c.account, c.status, c.reason, c.label, c.scopes, c.credential_version, c.updated_at,
         ${CHANGED} AS server_changed
    FROM mcp_credential c JOIN mcp_server s ON s.id = c.mcp_server_id`;

const WAITING = `
  SELECT count(*) FROM mcp_waiter w
   WHERE w.user_id = c.user_id AND w.mcp_server_id = c.mcp_server_id AND w.account = c.account`;

/**
 * Connections that ended because their server was changed have no status of their own in the table. They are found by
 * their revision, which is always an earlier one.
 */
function branchesOf({ status, reason }: ConnectionFilter, value: (one: unknown) => string): string[] {
  if (status === 'connected') return [`c.status = 'connected' AND NOT ${CHANGED}`];
  if (status === undefined && reason === undefined) return ["c.status <> 'disconnected'"];
  const ended = "c.status = 'reauth-required'";
  const overtaken = "c.status = 'connected' AND c.server_revision < s.revision";
  if (reason === undefined) return [ended, overtaken];
  if (reason === 'server-changed') return [`${ended} AND ${CHANGED}`, overtaken];
  return [`${ended} AND NOT ${CHANGED} AND coalesce(c.reason, 'invalid-grant') = ${value(reason)}`];
}

interface Row {
  user_id: string;
  mcp_server_id: string;
  account: string;
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  label: string | null;
  scopes: string | null;
  credential_version: string;
  updated_at: Date;
  server_changed: boolean;
  waiting_steps: string;
}

function connectionFromRow(row: Row): UserConnection {
  return {
    userId: row.user_id,
    mcpServerId: row.mcp_server_id,
    account: row.account,
    ...stateOf(row),
    ...(row.label !== null && { label: row.label }),
    ...(row.scopes !== null && { scopes: row.scopes }),
    version: Number(row.credential_version),
    updatedAt: row.updated_at,
    waitingSteps: Number(row.waiting_steps),
  };
}

function stateOf({ status, reason, server_changed }: Row): Pick<UserConnection, 'status' | 'reason'> {
  if (server_changed) return { status: 'reauth-required', reason: 'server-changed' };
  if (status === 'connected') return { status };
  return { status, reason: reason ?? 'invalid-grant' };
}
