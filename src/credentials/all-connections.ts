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
export async function listAllConnections(db: Db, page: ConnectionsPage): Promise<UserConnection[]> {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const conditions = conditionsOf(page, value);
  const end = `ORDER BY ${ORDER} LIMIT ${value(page.limit)}`;
  const branches = branchesOf(page.filter, value).map((branch) =>
    branch === 'overtaken' ? overtaken(conditions, end) : stored([branch, ...conditions], end),
  );
  const { rows } = await db.query<Row>(
    `SELECT c.*, (${WAITING}) AS waiting_steps
       FROM (SELECT * FROM (${branches.join(' UNION ALL ')}) c ${end}) c`,
    values,
  );
  return rows.map(connectionFromRow);
}

function conditionsOf({ filter, after }: ConnectionsPage, value: (one: unknown) => string): string[] {
  const { userId, mcpServerId, since } = filter;
  return [
    ...(userId === undefined ? [] : [`c.user_id = ${value(userId)}`]),
    ...(mcpServerId === undefined ? [] : [`c.mcp_server_id = ${value(mcpServerId)}`]),
    ...(since === undefined ? [] : [`c.status_since >= ${value(since)}`]),
    ...(after === undefined ? [] : afterCondition(after, value)),
  ];
}

// The first condition lets Postgres begin there in an index whose first column is another one.
function afterCondition(after: ConnectionKey, value: (one: unknown) => string): string[] {
  const user = value(after.userId);
  const rest = [after.mcpServerId, after.account].map(value).join(', ');
  return [`c.user_id >= ${user}`, `(c.user_id, c.mcp_server_id, c.account) > (${user}, ${rest})`];
}

const ORDER = 'user_id, mcp_server_id, account';
const CHANGED = 'c.server_revision <> s.revision';
const COLUMNS = `c.user_id, c.mcp_server_id, c.account, c.status, c.reason, c.label, c.scopes, c.credential_version,
         c.updated_at`;

function stored(conditions: readonly string[], end: string): string {
  return `(SELECT ${COLUMNS}, ${CHANGED} AS server_changed
    FROM mcp_credential c JOIN mcp_server s ON s.id = c.mcp_server_id
   WHERE ${conditions.join(' AND ')} ${end})`;
}

/**
 * Connections that ended because their server was changed: their revision is an earlier one. First the earlier
 * revisions that connections have are found, one probe of an index each, because Postgres can't estimate how many
 * connections are of an earlier one.
 */
function overtaken(conditions: readonly string[], end: string): string {
  const connected = "FROM mcp_credential c WHERE c.status = 'connected' AND c.mcp_server_id = ";
  return `(WITH RECURSIVE found AS (
      SELECT s.id, s.revision AS newest, (SELECT min(c.server_revision) ${connected} s.id) AS revision
        FROM mcp_server s
      UNION ALL
      SELECT f.id, f.newest,
             (SELECT min(c.server_revision) ${connected} f.id AND c.server_revision > f.revision)
        FROM found f WHERE f.revision < f.newest
    )
    SELECT c.* FROM found f CROSS JOIN LATERAL (
      SELECT ${COLUMNS}, true AS server_changed
        ${connected} f.id AND ${['c.server_revision = f.revision', ...conditions].join(' AND ')} ${end}) c
     WHERE f.revision < f.newest ${end})`;
}

const WAITING = `
  SELECT count(*) FROM mcp_waiter w
   WHERE w.user_id = c.user_id AND w.mcp_server_id = c.mcp_server_id AND w.account = c.account`;

type Branch = 'overtaken' | `c.${string}`;

function branchesOf({ status, reason }: ConnectionFilter, value: (one: unknown) => string): Branch[] {
  if (status === 'connected') return [`c.status = 'connected' AND NOT ${CHANGED}`];
  if (status === undefined && reason === undefined) return ["c.status <> 'disconnected'"];
  const ended = "c.status = 'reauth-required'";
  if (reason === undefined) return [ended, 'overtaken'];
  if (reason === 'server-changed') return [`${ended} AND ${CHANGED}`, 'overtaken'];
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
