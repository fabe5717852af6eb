import type { CredentialKey } from '../../contracts/activities.ts';
import { type KeyRow, keyFromRow, keyValues } from '../../credentials/credential-key.ts';
import type { Db } from '../../db/pool.ts';
import type { ConnectCode } from '../connect-code.ts';
import type { ConnectSession, ConnectStatus } from './connect-session.ts';

/** A link's lifetime, and that of a session that the page made. */
const SESSION_MINUTES = 15;

export interface NewSession {
  key: CredentialKey;
  /** Absent: the user is signed in. */
  linkHash?: string;
  returnTo?: string | undefined;
  loginHint?: string | undefined;
  confirm?: 'host' | undefined;
}

/** Sessions of a user that may be open at once. */
const MAX_OPEN_SESSIONS = 1_000;

/** Returns undefined if the user has too many open sessions. */
export async function insertSession(
  db: Db,
  session: NewSession,
): Promise<{ id: string; expiresAt: Date } | undefined> {
  const { rows } = await db.query<{ id: string; expires_at: Date }>(
    `INSERT INTO mcp_connect_session
       (user_id, mcp_server_id, account, link_hash, return_to, login_hint, confirm, expires_at)
     SELECT $1, $2, $3, $4, $5, $6, $7, now() + make_interval(mins => ${SESSION_MINUTES})
      WHERE (SELECT count(*) FROM (
        SELECT FROM mcp_connect_session
         WHERE user_id = $1 AND expires_at > now() AND status = 'open' LIMIT ${MAX_OPEN_SESSIONS}) AS open
      ) < ${MAX_OPEN_SESSIONS}
     RETURNING id, expires_at`,
    [
      ...keyValues(session.key),
      session.linkHash ?? null,
      session.returnTo ?? null,
      session.loginHint ?? null,
      session.confirm ?? null,
    ],
  );
  return rows[0] && { id: rows[0].id, expiresAt: rows[0].expires_at };
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param id from anywhere: a text that is no id finds nothing */
export async function findSession(db: Db, id: string): Promise<ConnectSession | undefined> {
  return UUID.test(id) ? findBy(db, 'id', id) : undefined;
}

/** Finds the session whose last answer had this `state`. */
export function findSessionOfState(db: Db, stateHash: string): Promise<ConnectSession | undefined> {
  return findBy(db, 'ended_state_hash', stateHash);
}

export function findSessionOfLink(db: Db, linkHash: string): Promise<ConnectSession | undefined> {
  return findBy(db, 'link_hash', linkHash);
}

async function findBy(
  db: Db,
  column: 'id' | 'link_hash' | 'ended_state_hash',
  value: string,
): Promise<ConnectSession | undefined> {
  const { rows } = await db.query<SessionRow>(
    `SELECT *, expires_at <= now() AS is_link_expired,
            greatest(expires_at, active_until) <= now() AS is_over
       FROM mcp_connect_session WHERE ${column} = $1`,
    [value],
  );
  return rows[0] && sessionFromRow(rows[0]);
}

/** A finished consent uses the session up: no later attempt changes it. */
export const UNFINISHED_STATUSES: readonly ConnectStatus[] = ['open', 'denied', 'failed'];
const UNFINISHED = `status IN ('open', 'denied', 'failed')`;

/**
 * Notes that a browser leaves for the authorization server. False: a consent has finished meanwhile, or the host must
 * confirm and another browser has left before. The host can check only one browser, so only one may consent.
 */
export async function openSession(
  db: Db,
  { id, browserHash, minutes }: { id: string; browserHash: string; minutes: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_connect_session SET status = 'open', code = NULL, detail = NULL, pending_jwe = NULL, browser_hash = $2,
       active_until = now() + make_interval(mins => $3)
     WHERE id = $1 AND ${UNFINISHED} AND (confirm IS NULL OR browser_hash IS NULL OR browser_hash = $2)`,
    [id, browserHash, minutes],
  );
  return rowCount === 1;
}

export interface SessionFailure {
  id: string;
  status: 'denied' | 'failed';
  code: ConnectCode;
  detail?: string;
  /** The answer that did not connect. Its browser sees the outcome. */
  answer?: { stateHash: string; browserHash: string };
}

/** Notes why an attempt did not connect. No effect on a session that another attempt has finished. */
export async function failSession(db: Db, failure: SessionFailure): Promise<void> {
  await fail(db, failure, UNFINISHED);
}

/** Notes why a confirmed consent could not be stored. */
export async function failConfirmation(db: Db, failure: SessionFailure): Promise<void> {
  await fail(db, failure, "status = 'awaiting-confirmation'");
}

async function fail(
  db: Db,
  { id, status, code, detail, answer }: SessionFailure,
  condition: string,
): Promise<void> {
  await db.query(
    `UPDATE mcp_connect_session SET status = $2, code = $3, detail = $4, pending_jwe = NULL,
       browser_hash = coalesce($5, browser_hash), ended_state_hash = coalesce($6, ended_state_hash)
      WHERE id = $1 AND ${condition}`,
    [id, status, code, detail ?? null, answer?.browserHash ?? null, answer?.stateHash ?? null],
  );
}

/** A row of `mcp_connect_session`, as `pg` returns it. */
interface SessionRow extends KeyRow {
  id: string;
  link_hash: string | null;
  return_to: string | null;
  login_hint: string | null;
  confirm: 'host' | null;
  status: ConnectStatus;
  code: ConnectCode | null;
  detail: string | null;
  label: string | null;
  browser_hash: string | null;
  pending_jwe: string | null;
  resumed_count: number;
  resumed_step_ids: string[];
  is_renewable: boolean;
  works_until: Date | null;
  is_link_expired: boolean;
  is_over: boolean;
}

function sessionFromRow(row: SessionRow): ConnectSession {
  return {
    id: row.id,
    key: keyFromRow(row),
    isLink: row.link_hash !== null,
    ...(row.return_to !== null && { returnTo: row.return_to }),
    ...(row.login_hint !== null && { loginHint: row.login_hint }),
    ...(row.confirm !== null && { confirm: row.confirm }),
    status: row.status,
    isLinkExpired: row.is_link_expired,
    isOver: row.is_over,
    ...(row.code !== null && { code: row.code }),
    ...(row.detail !== null && { detail: row.detail }),
    ...(row.label !== null && { label: row.label }),
    ...(row.browser_hash !== null && { browserHash: row.browser_hash }),
    ...(row.pending_jwe !== null && { pendingJwe: row.pending_jwe }),
    resumed: { count: row.resumed_count, stepIds: row.resumed_step_ids },
    renewal: row.is_renewable
      ? { isRenewable: true }
      : { isRenewable: false, ...(row.works_until !== null && { worksUntil: row.works_until }) },
  };
}
