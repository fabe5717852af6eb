import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionReason } from '../contracts/step.ts';
import type { Db } from '../db/pool.ts';
import { type RegisteredServer, type ServerRow, serverFromRow } from '../servers/registered-server.ts';
import {
  type ConnectionState,
  CREDENTIAL_COLUMNS,
  type CredentialRow,
  connectionState,
  credentialFromRow,
  type StoredCredential,
} from './credential.ts';
import { keyValues } from './credential-key.ts';

/** A server's registration and one user's credential for it, read in one statement. */
export interface Connection {
  server: RegisteredServer;
  secretJwe: string | null;
  credential: StoredCredential;
  /** Set after Temporal was restored from a backup: a call scheduled before this time may have been made already. */
  temporalRestoredAt?: Date;
}

export interface ConnectionSummary {
  mcpServerId: string;
  account: string;
  /** What the user or the host calls the account. */
  label?: string;
  state: Exclude<ConnectionState, { status: 'absent' }>;
  scopes?: string;
  version: number;
  updatedAt: Date;
  /** When the connection got its state. Unknown for one that ended because its server was changed. */
  since?: Date;
  waitingSteps: number;
}

/** Undefined: the server is not registered. */
export async function readConnection(db: Db, key: CredentialKey): Promise<Connection | undefined> {
  const { rows } = await db.query<ServerRow & CredentialRow & { temporal_restored_at: Date | null }>(
    `SELECT s.*, ${CREDENTIAL_COLUMNS},
            (SELECT temporal_restored_at FROM mcp_restoration) AS temporal_restored_at
       FROM mcp_server s
       LEFT JOIN mcp_credential c ON c.mcp_server_id = s.id AND c.user_id = $1 AND c.account = $3
      WHERE s.id = $2`,
    keyValues(key),
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    server: serverFromRow(row),
    secretJwe: row.secret_jwe,
    credential: credentialFromRow(row),
    ...(row.temporal_restored_at !== null && { temporalRestoredAt: row.temporal_restored_at }),
  };
}

/** Lists a user's connections, without the disconnected ones and those to servers that are not registered any more. */
export async function listConnections(db: Db, userId: string): Promise<ConnectionSummary[]> {
  const { rows } = await db.query<ConnectionRow>(
    `SELECT c.mcp_server_id, c.account, c.label, c.status, c.reason, c.scopes, c.credential_version, c.updated_at,
            coalesce(c.status_since, CASE c.status WHEN 'connected' THEN c.created_at ELSE c.updated_at END)
              AS status_since,
            c.server_revision <> s.revision AS server_changed,
            (SELECT count(*) FROM mcp_waiter w
              WHERE w.user_id = c.user_id AND w.mcp_server_id = c.mcp_server_id
                AND w.account = c.account) AS waiting_steps
       FROM mcp_credential c JOIN mcp_server s ON s.id = c.mcp_server_id
      WHERE c.user_id = $1 AND c.status <> 'disconnected'
      ORDER BY c.mcp_server_id, c.account`,
    [userId],
  );
  return rows.flatMap(summaryFromRow);
}

interface ConnectionRow {
  mcp_server_id: string;
  account: string;
  label: string | null;
  status: 'connected' | 'reauth-required';
  reason: ConnectionReason | null;
  scopes: string | null;
  credential_version: string;
  updated_at: Date;
  status_since: Date;
  server_changed: boolean;
  waiting_steps: string;
}

function summaryFromRow(row: ConnectionRow): ConnectionSummary[] {
  const state = connectionState(row);
  if (state.status === 'absent') return [];
  return [
    {
      mcpServerId: row.mcp_server_id,
      account: row.account,
      ...(row.label !== null && { label: row.label }),
      state,
      ...(row.scopes !== null && { scopes: row.scopes }),
      version: Number(row.credential_version),
      updatedAt: row.updated_at,
      ...(!row.server_changed && { since: row.status_since }),
      waitingSteps: Number(row.waiting_steps),
    },
  ];
}

/** Counts the connections to a server, of all users. */
export async function countConnectionsTo(db: Db, mcpServerId: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    "SELECT count(*) FROM mcp_credential WHERE mcp_server_id = $1 AND status = 'connected'",
    [mcpServerId],
  );
  return Number(rows[0]?.count ?? 0);
}
