import type { Db } from '../db/pool.ts';

export interface AuditFilter {
  /** To whom it was done. */
  userId?: string | undefined;
  /** Who did it. */
  actorUserId?: string | undefined;
  mcpServerId?: string | undefined;
  action?: string | undefined;
  /** Of the details. */
  status?: string | undefined;
  /** Of the details. */
  reason?: string | undefined;
  since?: Date | undefined;
}

/** A place in the audit log, whose order is by moment and number. */
export interface AuditPlace {
  /** ISO 8601, UTC, with microseconds. */
  at: string;
  id: string;
}

/** A row of the audit log. */
export interface AuditEntry extends AuditPlace {
  action: string;
  /** Null: the operator on the command line. */
  actorUserId: string | null;
  userId?: string;
  mcpServerId?: string;
  account?: string;
  stepId?: string;
  workflowId?: string;
  details: Record<string, unknown>;
}

export interface AuditPage {
  filter: AuditFilter;
  /** The last place that was read. */
  after?: AuditPlace | undefined;
  limit: number;
  order: 'latest-first' | 'oldest-first';
  /** Only earlier rows: a moment of `readAuditHorizon`. */
  before?: string | undefined;
}

/**
 * Returns the moment before which the log is complete. A transaction that is under way may still commit a row that
 * belongs before rows that can be seen now. An export that reads up to this moment, and later goes on from its last row,
 * misses none. Read the moment before the rows, in a statement of its own. Transactions of other database roles are not
 * considered, because Postgres does not show when they began.
 */
export async function readAuditHorizon(db: Db): Promise<string> {
  const { rows } = await db.query<{ horizon: string }>(
    // `statement_timestamp` is earlier than the look at the transactions, so none can begin between the two.
    // An INSERT has its moment before Postgres gives its transaction an id, so young ones without an id count, too.
    `SELECT ${isoOf('least(statement_timestamp(), min(xact_start))')} AS horizon
       FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND (backend_xid IS NOT NULL OR xact_start > clock_timestamp() - interval '15 seconds')`,
  );
  return rows[0]?.horizon ?? '-infinity';
}

function isoOf(moment: string): string {
  return `to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

export async function readAudit(
  db: Db,
  { filter, after, limit, order, before }: AuditPage,
): Promise<AuditEntry[]> {
  const isLatestFirst = order === 'latest-first';
  const values: unknown[] = [limit];
  const value = (one: unknown) => `$${values.push(one)}`;
  const conditions = [
    ...conditionsOf(filter, value),
    ...(after === undefined ? [] : [placeCondition(after, isLatestFirst ? '<' : '>', value)]),
    ...(before === undefined ? [] : [`at < ${value(before)}::timestamptz`]),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const direction = isLatestFirst ? 'DESC' : 'ASC';
  const { rows } = await db.query<Row>(
    `SELECT id, ${isoOf('at')} AS place, action, actor_user_id, user_id, mcp_server_id,
            account, step_id, workflow_id, details
       FROM mcp_audit_event ${where} ORDER BY at ${direction}, id ${direction} LIMIT $1`,
    values,
  );
  return rows.map(entryFromRow);
}

function conditionsOf(filter: AuditFilter, value: (one: unknown) => string): string[] {
  const equal = { user_id: filter.userId, actor_user_id: filter.actorUserId } as const;
  const more = { mcp_server_id: filter.mcpServerId, action: filter.action } as const;
  const details = { "details->>'status'": filter.status, "details->>'reason'": filter.reason } as const;
  const named = Object.entries({ ...equal, ...more, ...details }).filter(([, one]) => one !== undefined);
  const conditions = named.map(([column, one]) => `${column} = ${value(one)}`);
  return filter.since === undefined ? conditions : [...conditions, `at >= ${value(filter.since)}`];
}

// The first half lets Postgres begin at the place in the index by moment.
function placeCondition({ at, id }: AuditPlace, compare: '<' | '>', value: (one: unknown) => string): string {
  const moment = `${value(at)}::timestamptz`;
  return `at ${compare}= ${moment} AND (at, id) ${compare} (${moment}, ${value(id)}::bigint)`;
}

interface Row {
  id: string;
  place: string;
  action: string;
  actor_user_id: string | null;
  user_id: string | null;
  mcp_server_id: string | null;
  account: string;
  step_id: string | null;
  workflow_id: string | null;
  details: Record<string, unknown>;
}

function entryFromRow(row: Row): AuditEntry {
  const isAboutConnection = row.action === 'connected' || row.action === 'disconnected';
  return {
    id: row.id,
    at: row.place,
    action: row.action,
    actorUserId: row.actor_user_id,
    ...(row.user_id !== null && { userId: row.user_id }),
    ...(row.mcp_server_id !== null && { mcpServerId: row.mcp_server_id }),
    ...((isAboutConnection || row.account !== 'default') && { account: row.account }),
    ...(row.step_id !== null && { stepId: row.step_id }),
    ...(row.workflow_id !== null && { workflowId: row.workflow_id }),
    details: row.details,
  };
}
