import { accountOf } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import { keyValues, OF_KEY } from '../../credentials/credential-key.ts';
import type { Db } from '../../db/pool.ts';
import type { Renewability, ResumedSteps } from './connect-session.ts';
import { UNFINISHED_STATUSES } from './session-store.ts';

/** What a consent has brought, beside its tokens. */
export interface Consent {
  label?: string | undefined;
  renewal: Renewability;
  resumed: ResumedSteps;
}

/** Where a consent comes from. It counts only while its session waits for exactly that. */
export type ConsentOrigin =
  /** A browser has come back with the answer to this `state`. */
  | { kind: 'callback'; stateHash: string; browserHash: string }
  /** Its user has chosen the account of this pending consent. */
  | { kind: 'choice'; pendingJwe: string }
  /** The host has confirmed this pending consent. */
  | { kind: 'confirmation'; pendingJwe: string };

/** Locks the session of a consent. False: the session is gone, finished, or waits for another consent. */
export async function lockForConsent(db: Db, id: string, origin: ConsentOrigin): Promise<boolean> {
  const { rowCount } = await db.query(
    `SELECT 1 FROM mcp_connect_session WHERE ${WAITS_FOR_IT} FOR UPDATE`,
    awaitedValues(id, origin),
  );
  return rowCount === 1;
}

/** Keeps a consent until its user has chosen the account. False: as in `lockForConsent`. */
export async function keepForChoice(
  db: Db,
  { id, origin, pendingJwe, ...consent }: Consent & { id: string; origin: ConsentOrigin; pendingJwe: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_connect_session SET status = 'open', code = 'account-mismatch', detail = NULL, ${BROWSER}, ${CONSENT},
       pending_jwe = $11, ${WAITS}
      WHERE ${WAITS_FOR_IT}`,
    [...consentValues(id, origin, consent), pendingJwe],
  );
  return rowCount === 1;
}

/** Keeps a consent until its host has confirmed it. False: as in `lockForConsent`. */
export async function keepForConfirmation(
  db: Db,
  { key, pendingJwe, id, origin, ...consent }: FinishedConsent & { pendingJwe: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_connect_session SET status = 'awaiting-confirmation', code = NULL, detail = NULL, ${BROWSER}, ${CONSENT},
       pending_jwe = $11, account = $12, ${WAITS}
      WHERE ${WAITS_FOR_IT}`,
    [...consentValues(id, origin, consent), pendingJwe, accountOf(key)],
  );
  if (rowCount === 1) await deleteAuthorizationsOfOthers(db, id);
  return rowCount === 1;
}

/** Notes that a consent is stored as a connection. The caller holds the lock of `lockForConsent`. */
export async function finishSession(db: Db, { key, id, origin, ...consent }: FinishedConsent): Promise<void> {
  await db.query(
    `UPDATE mcp_connect_session SET status = 'connected', code = NULL, detail = NULL, ${BROWSER}, ${CONSENT},
       pending_jwe = NULL, account = $11
      WHERE ${WAITS_FOR_IT}`,
    [...consentValues(id, origin, consent), accountOf(key)],
  );
  await noteKeptRefreshToken(db, id, key);
  await deleteAuthorizationsOfOthers(db, id);
}

// A deposit keeps the refresh token of the same person's earlier consent if the new one brought none.
async function noteKeptRefreshToken(db: Db, id: string, key: CredentialKey): Promise<void> {
  await db.query(
    `UPDATE mcp_connect_session SET is_renewable = true, works_until = NULL
      WHERE id = $4 AND NOT is_renewable
        AND EXISTS (SELECT FROM mcp_credential WHERE ${OF_KEY} AND refresh_fingerprint IS NOT NULL)`,
    [...keyValues(key), id],
  );
}

export interface FinishedConsent extends Consent {
  id: string;
  /** The connection's. */
  key: CredentialKey;
  origin: ConsentOrigin;
}

/** Notes how many steps a connection has resumed, which is known only after its deposit. */
export async function noteResumed(db: Db, id: string, count: number): Promise<void> {
  await db.query('UPDATE mcp_connect_session SET resumed_count = $2 WHERE id = $1 AND resumed_count <> $2', [
    id,
    count,
  ]);
}

// The other browsers have left for nothing: their answers must not lead anywhere.
async function deleteAuthorizationsOfOthers(db: Db, id: string): Promise<void> {
  await db.query(
    `DELETE FROM mcp_authorization a USING mcp_connect_session s
      WHERE s.id = $1 AND a.connect_session_id = s.id AND a.browser_hash IS DISTINCT FROM s.browser_hash`,
    [id],
  );
}

const WAITS_FOR_IT = `id = $1 AND status = ANY ($2::text[])
  AND ($3::text IS NULL OR (pending_jwe = $3 AND active_until > now()))`;
const BROWSER = `browser_hash = coalesce($4, browser_hash), ended_state_hash = coalesce($5, ended_state_hash)`;
const CONSENT = `label = $6, is_renewable = $7, works_until = $8, resumed_count = $9, resumed_step_ids = $10`;
/** Unconfirmed tokens are kept for 15 minutes. */
const WAITS = "active_until = now() + interval '15 minutes'";

function awaitedValues(id: string, origin: ConsentOrigin): unknown[] {
  switch (origin.kind) {
    case 'callback':
      return [id, UNFINISHED_STATUSES, null];
    case 'choice':
      return [id, ['open'], origin.pendingJwe];
    case 'confirmation':
      return [id, ['awaiting-confirmation'], origin.pendingJwe];
    default:
      return origin satisfies never;
  }
}

function consentValues(id: string, origin: ConsentOrigin, { label, renewal, resumed }: Consent): unknown[] {
  const browser = origin.kind === 'callback' ? [origin.browserHash, origin.stateHash] : [null, null];
  const worksUntil = renewal.isRenewable ? null : (renewal.worksUntil ?? null);
  return [
    ...awaitedValues(id, origin),
    ...browser,
    label ?? null,
    renewal.isRenewable,
    worksUntil,
    resumed.count,
    resumed.stepIds,
  ];
}

/** Returns the sealed consent that waits for its user's choice. Undefined: none waits, or its time is over. */
export async function findPendingChoice(db: Db, id: string): Promise<string | undefined> {
  return findPending(db, id, 'open');
}

/** Returns the sealed consent that waits for its host. Undefined: none waits, or its time is over. */
export async function findPendingConfirmation(db: Db, id: string): Promise<string | undefined> {
  return findPending(db, id, 'awaiting-confirmation');
}

async function findPending(
  db: Db,
  id: string,
  status: 'open' | 'awaiting-confirmation',
): Promise<string | undefined> {
  const { rows } = await db.query<{ pending_jwe: string }>(
    `SELECT pending_jwe FROM mcp_connect_session
      WHERE id = $1 AND status = $2 AND pending_jwe IS NOT NULL AND active_until > now()`,
    [id, status],
  );
  return rows[0]?.pending_jwe;
}
