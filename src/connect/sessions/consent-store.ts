import { accountOf } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Renewability, ResumedSteps } from './connect-session.ts';
import { UNFINISHED } from './session-store.ts';

/** What a consent has brought, beside its tokens. */
export interface Consent {
  label?: string | undefined;
  renewal: Renewability;
  resumed: ResumedSteps;
}

/** Keeps a consent until its user has chosen the account. */
export async function keepForChoice(
  db: Db,
  { id, pendingJwe, ...consent }: Consent & { id: string; pendingJwe: string },
): Promise<void> {
  await db.query(
    `UPDATE mcp_connect_session SET code = 'account-mismatch', ${CONSENT}, pending_jwe = $7, ${WAITS}
      WHERE id = $1 AND ${UNFINISHED}`,
    [...consentValues(id, consent), pendingJwe],
  );
}

/** Keeps a consent until its host has confirmed it. */
export async function keepForConfirmation(
  db: Db,
  { id, key, pendingJwe, ...consent }: Consent & { id: string; key: CredentialKey; pendingJwe: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_connect_session SET status = 'awaiting-confirmation', code = NULL, confirmed_at = NULL, ${CONSENT},
       pending_jwe = $7, account = $8, ${WAITS}
      WHERE id = $1 AND ${UNFINISHED}`,
    [...consentValues(id, consent), pendingJwe, accountOf(key)],
  );
  return rowCount === 1;
}

/** No effect if the session is connected: a repeated confirmation resumes no steps, and must not say so. */
export async function finishSession(
  db: Db,
  { id, key, ...consent }: Consent & { id: string; key: CredentialKey },
): Promise<void> {
  await db.query(
    `UPDATE mcp_connect_session SET status = 'connected', code = NULL, ${CONSENT}, pending_jwe = NULL, account = $7
      WHERE id = $1 AND status <> 'connected'`,
    [...consentValues(id, consent), accountOf(key)],
  );
}

const CONSENT = `label = $2, is_renewable = $3, works_until = $4, resumed_count = $5, resumed_step_ids = $6`;
/** Not past 15 minutes: the tokens of a consent that nobody confirms must not stay. */
const WAITS = "active_until = now() + interval '15 minutes'";

function consentValues(id: string, { label, renewal, resumed }: Consent): unknown[] {
  const worksUntil = renewal.isRenewable ? null : (renewal.worksUntil ?? null);
  return [id, label ?? null, renewal.isRenewable, worksUntil, resumed.count, resumed.stepIds];
}

/** Returns the sealed consent that waits for its user's choice. Undefined: none waits, or its time is over. */
export async function findPendingChoice(db: Db, id: string): Promise<string | undefined> {
  const { rows } = await db.query<{ pending_jwe: string }>(
    `SELECT pending_jwe FROM mcp_connect_session
      WHERE id = $1 AND status = 'open' AND pending_jwe IS NOT NULL AND active_until > now()`,
    [id],
  );
  return rows[0]?.pending_jwe;
}

/**
 * Notes that the host confirms, and returns the sealed consent and when it was confirmed first. Undefined: none waits,
 * or its time is over.
 */
export async function notePendingConfirmation(
  db: Db,
  id: string,
): Promise<{ pendingJwe: string; confirmedAt: Date } | undefined> {
  const { rows } = await db.query<{ pending_jwe: string; confirmed_at: Date }>(
    `UPDATE mcp_connect_session SET confirmed_at = coalesce(confirmed_at, now())
      WHERE id = $1 AND status = 'awaiting-confirmation' AND pending_jwe IS NOT NULL AND active_until > now()
     RETURNING pending_jwe, confirmed_at`,
    [id],
  );
  return rows[0] && { pendingJwe: rows[0].pending_jwe, confirmedAt: rows[0].confirmed_at };
}

/**
 * Claims the choice of the account, so that two clicks can't store one refresh token in two accounts. False: it has
 * been made.
 */
export async function claimChoice(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE mcp_connect_session SET code = NULL
      WHERE id = $1 AND status = 'open' AND code = 'account-mismatch' AND pending_jwe IS NOT NULL`,
    [id],
  );
  return rowCount === 1;
}

/** Gives a claimed choice back, because it could not be carried out. */
export async function releaseChoice(db: Db, id: string): Promise<void> {
  await db.query(
    `UPDATE mcp_connect_session SET code = 'account-mismatch'
      WHERE id = $1 AND status = 'open' AND code IS NULL AND pending_jwe IS NOT NULL`,
    [id],
  );
}
