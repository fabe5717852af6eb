/**
 * Stores a consent as a connection, or keeps it until a person has decided: the host, or the user whose account at the
 * provider is another one than before. All ways of a flow to a stored connection end here.
 */
import { accountMember } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { readConnection } from '../credentials/credential-store.ts';
import { findIdentity } from '../credentials/deposit/deposit-store.ts';
import { isForAnother } from '../credentials/deposit/deposited-grant.ts';
import { waitingStepsOf } from '../credentials/waiters/waiter-store.ts';
import type { ConnectCode } from './connect-code.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { depositAt, type PendingConsent, renewalOf, sealConsent } from './pending-consent.ts';
import type { ConnectSession } from './sessions/connect-session.ts';
import { type Consent, finishSession, keepForChoice, keepForConfirmation } from './sessions/consent-store.ts';

export type SettleOutcome =
  | { kind: 'connected' }
  | { kind: 'awaiting-confirmation' }
  /** The user has to choose the account. */
  | { kind: 'account-mismatch' }
  /** `isTemporary`: the same consent may be stored later. */
  | { kind: 'refused'; code: ConnectCode; message: string; isTemporary: boolean };

/** The steps that the page after the consent lists. */
const MAX_LISTED_STEPS = 50;

/** Settles a new consent, or one whose account was chosen. */
export async function settleConsent(
  deps: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
): Promise<SettleOutcome> {
  if (session.confirm !== 'host') return storeConsent(deps, session, consent);
  const key = keyOf(session, consent);
  const stored = await findIdentity(deps.db, key);
  const { deposit } = consent;
  if (stored !== undefined && deposit.replace !== true && isForAnother(deposit, stored)) {
    return waitForChoice(deps, session, consent);
  }
  const pendingJwe = await sealConsent(deps.vault, session, consent);
  const waiting = await consentOf(deps, key, consent);
  const isKept = await keepForConfirmation(deps.db, { id: session.id, key, pendingJwe, ...waiting });
  return isKept ? { kind: 'awaiting-confirmation' } : refused('link-used', 'the link has been used');
}

/**
 * Stores a consent as a connection, and resumes the steps that wait for it. Storing it again with the same `at` changes
 * nothing.
 *
 * @param at until when the access token has aged
 */
export async function storeConsent(
  deps: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
  at = new Date(),
): Promise<SettleOutcome> {
  const key = keyOf(session, consent);
  const problem = await serverProblem(deps, key, consent);
  if (problem !== undefined) return problem;
  // Before the deposit, which resumes them.
  const brought = await consentOf(deps, key, consent);
  const outcome = await deps.deposit(key.userId, depositAt(consent, at));
  switch (outcome.kind) {
    case 'stored': {
      const resumed = { ...brought.resumed, count: outcome.resuming };
      await finishSession(deps.db, { id: session.id, key, ...brought, resumed });
      return { kind: 'connected' };
    }
    case 'account-mismatch':
      return waitForChoice(deps, session, consent);
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

async function waitForChoice(
  { db, vault }: ConnectDependencies,
  session: ConnectSession,
  consent: PendingConsent,
): Promise<SettleOutcome> {
  const pendingJwe = await sealConsent(vault, session, consent);
  const { label } = consent.deposit;
  const nothing = { renewal: renewalOf(consent), resumed: { count: 0, stepIds: [] } };
  await keepForChoice(db, { id: session.id, pendingJwe, label, ...nothing });
  return { kind: 'account-mismatch' };
}

// The grant was issued for the resource that the server had when the authorization began.
async function serverProblem(
  { db }: ConnectDependencies,
  key: CredentialKey,
  { serverRevision }: PendingConsent,
): Promise<SettleOutcome | undefined> {
  const connection = await readConnection(db, key);
  if (connection === undefined) return refused('server-removed', 'the MCP server is not registered any more');
  if (connection.server.revision === serverRevision) return undefined;
  return refused('server-changed', 'the MCP server was registered with another address or issuer meanwhile');
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
  return { userId, mcpServerId, ...accountMember(deposit.account) };
}

function refused(code: ConnectCode, message: string, isTemporary = false): SettleOutcome {
  return { kind: 'refused', code, message, isTemporary };
}
