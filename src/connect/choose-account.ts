import { accountMember, credentialKey } from '../contracts/accounts.ts';
import { findIdentity } from '../credentials/deposit/deposit-store.ts';
import { hashOpaqueToken } from '../vault/opaque-token.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { openConsent, type PendingConsent } from './pending-consent.ts';
import type { ConnectSession } from './sessions/connect-session.ts';
import { findPendingChoice } from './sessions/consent-store.ts';
import { failSession } from './sessions/session-store.ts';
import { type SettleOutcome, settleConsent } from './settle-consent.ts';

/** What to do with a consent of another account at the provider than the connected one. */
export type AccountChoice = { kind: 'replace' } | { kind: 'another'; account: string };

export type ChoiceOutcome =
  | SettleOutcome
  /** The name belongs to another connection of the user. The user can choose another name. */
  | { kind: 'account-taken' }
  /** Another consent than the one that the user was asked about waits now. */
  | { kind: 'another-consent' }
  /** The choice was made before, or its time is over. */
  | { kind: 'nothing-to-choose' };

/**
 * Carries out the user's choice. Reconnecting an account as another person is never silent. Of two choices at once, one
 * counts.
 *
 * @param shown the hash of the sealed consent that the user was asked about
 */
export async function chooseAccount(
  deps: ConnectDependencies,
  session: ConnectSession,
  choice: AccountChoice,
  shown: string,
): Promise<ChoiceOutcome> {
  const { db, vault } = deps;
  const pendingJwe = await findPendingChoice(db, session.id);
  if (pendingJwe === undefined) return { kind: 'nothing-to-choose' };
  if (hashOpaqueToken(pendingJwe).toString('base64url') !== shown) return { kind: 'another-consent' };
  const opened = await openConsent(vault, session, pendingJwe);
  if (opened.kind !== 'opened') return { kind: 'nothing-to-choose' };
  const consent = withChoice(session, opened.consent, choice);
  if (await isTaken(deps, session, consent, choice)) return { kind: 'account-taken' };
  const outcome = await settleConsent(deps, session, consent, { kind: 'choice', pendingJwe });
  if (outcome.kind === 'refused' && !outcome.isTemporary) await noteRefusal(deps, session, outcome);
  return outcome;
}

function withChoice(session: ConnectSession, consent: PendingConsent, choice: AccountChoice): PendingConsent {
  const { account: _, ...deposit } = consent.deposit;
  const chosen =
    choice.kind === 'replace'
      ? { ...accountMember(session.key.account), replace: true }
      : accountMember(choice.account);
  return { ...consent, deposit: { ...deposit, ...chosen } };
}

// A name that the user gives now must not replace a connection of another person without a question.
async function isTaken(
  { db }: ConnectDependencies,
  { key }: ConnectSession,
  { deposit }: PendingConsent,
  choice: AccountChoice,
): Promise<boolean> {
  if (choice.kind === 'replace') return false;
  const { userId, mcpServerId } = key;
  const stored = await findIdentity(db, credentialKey({ userId, mcpServerId, account: choice.account }));
  return stored !== undefined && stored.subject !== deposit.subject;
}

async function noteRefusal(
  { db }: ConnectDependencies,
  { id }: ConnectSession,
  { code, message }: Extract<SettleOutcome, { kind: 'refused' }>,
): Promise<void> {
  await failSession(db, { id, status: 'failed', code, detail: message });
}
