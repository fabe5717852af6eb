/**
 * Stores a consent as a connection, or keeps it until a person has decided: the host, or the user whose account at the
 * provider is another one than before. Every flow stores its connection through this file.
 */
import { credentialKey } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { findIdentity } from '../credentials/deposit/deposit-store.ts';
import { isForAnother } from '../credentials/deposit/deposited-grant.ts';
import { waitingStepsOf } from '../credentials/waiters/count-waiters.ts';
import type { ConnectCode } from './connect-code.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { depositAt, type PendingConsent, renewalOf, sealConsent } from './pending-consent.ts';
import type { ConnectSession } from './sessions/connect-session.ts';
import {
  type Consent,
  type ConsentOrigin,
  finishSession,
  keepForChoice,
  keepForConfirmation,
  lockForConsent,
  noteResumed,
} from './sessions/consent-store.ts';

export type SettleOutcome =
  | { kind: 'connected' }
  | { kind: 'awaiting-confirmation' }
  /** The user has to choose the account. */
  | { kind: 'account-mismatch' }
  /** The session is gone, or another consent has finished it. Nothing was stored. */
  | { kind: 'superseded' }
  /** `isTemporary`: the same consent may be stored later. */
  | { kind: 'refused'; code: ConnectCode; message: string; isTemporary: boolean };

/** The steps that the page after the consent lists. */
const MAX_LISTED_STEPS = 50;

/** Settles a new consent, or one whose account was chosen. */
export async function settleConsent(
  deps: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
  origin: ConsentOrigin,
): Promise<SettleOutcome> {
  const settle = session.confirm === 'host' ? waitForConfirmation : storeConsent;
  const outcome = await settle(deps, session, consent, origin);
  return outcome.kind === 'account-mismatch' ? waitForChoice(deps, session, consent, origin) : outcome;
}

/**
 * Stores a consent as a connection, and resumes the steps that wait for it. The connection is stored and the session
 * finished in one transaction, so a consent that is settled twice is stored once, and one whose session was deleted not
 * at all.
 *
 * @param by who confirmed the consent, for the audit log. Default: the user
 */
export async function storeConsent(
  deps: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
  origin: ConsentOrigin,
  by?: string,
): Promise<SettleOutcome> {
  const { id } = session;
  const key = keyOf(session, consent);
  // Before the deposit, which resumes them.
  const brought = await consentOf(deps, key, consent);
  const outcome = await deps.deposit(key.userId, depositAt(consent, new Date()), {
    by,
    serverRevision: consent.serverRevision,
    lock: (db) => lockForConsent(db, id, origin),
    finish: (db) => finishSession(db, { id, key, origin, ...brought }),
  });
  switch (outcome.kind) {
    case 'stored':
      await noteResumed(deps.db, id, outcome.resuming);
      return { kind: 'connected' };
    case 'account-mismatch':
    case 'superseded':
      return outcome;
    case 'server-changed':
      return refused(
        'server-changed',
        'the MCP server was registered with another address or issuer meanwhile',
      );
    case 'unknown-server':
      return refused('server-removed', 'the MCP server is not registered any more');
    case 'key-missing':
      return refused('encryption-key-missing', `encryption key ${outcome.kid} is not configured`, true);
    case 'unavailable':
      return refused(
        'authorization-server-unavailable',
        `the deposit can't be checked: ${outcome.cause}`,
        true,
      );
    case 'refused':
      return refused('deposit-refused', `${outcome.field} ${outcome.message}`);
    default:
      return outcome satisfies never;
  }
}

async function waitForConfirmation(
  { db, vault }: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
  origin: ConsentOrigin,
): Promise<SettleOutcome> {
  const key = keyOf(session, consent);
  const { deposit } = consent;
  const stored = await findIdentity(db, key);
  if (stored !== undefined && deposit.replace !== true && isForAnother(deposit, stored)) {
    return { kind: 'account-mismatch' };
  }
  const pendingJwe = await sealConsent(vault, session, consent);
  const { id } = session;
  const waiting = { id, key, origin, pendingJwe, label: deposit.label, ...nothingResumed(consent) };
  return { kind: (await keepForConfirmation(db, waiting)) ? 'awaiting-confirmation' : 'superseded' };
}

async function waitForChoice(
  { db, vault }: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
  origin: ConsentOrigin,
): Promise<SettleOutcome> {
  const pendingJwe = await sealConsent(vault, session, consent);
  const { label } = consent.deposit;
  const waiting = { id: session.id, origin, pendingJwe, label, ...nothingResumed(consent) };
  return { kind: (await keepForChoice(db, waiting)) ? 'account-mismatch' : 'superseded' };
}

function nothingResumed(consent: PendingConsent): Consent {
  return { renewal: renewalOf(consent), resumed: { count: 0, stepIds: [] } };
}

async function consentOf(
  { db }: ConnectDependencies,
  key: CredentialKey,
  consent: PendingConsent,
): Promise<Consent> {
  const resumed = await waitingStepsOf(db, key, MAX_LISTED_STEPS);
  return { label: consent.deposit.label, renewal: renewalOf(consent), resumed };
}

/** The account of a consent is the session's, unless its user has chosen another name. */
function keyOf({ key }: ConnectSession, { deposit }: PendingConsent): CredentialKey {
  const { userId, mcpServerId } = key;
  return credentialKey({ userId, mcpServerId, account: deposit.account });
}

function refused(code: ConnectCode, message: string, isTemporary = false): SettleOutcome {
  return { kind: 'refused', code, message, isTemporary };
}
