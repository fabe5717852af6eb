import { EncryptionKeyMissing } from '../vault/key-ring.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { openConsent, pendingConsentId } from './pending-consent.ts';
import type { ConnectSession } from './sessions/connect-session.ts';
import { findPendingConfirmation } from './sessions/consent-store.ts';
import { failConfirmation, findSession } from './sessions/session-store.ts';
import { storeConsent } from './settle-consent.ts';

export type ConfirmOutcome =
  /** The session is over: connected, or failed with a code. */
  | { kind: 'settled' }
  | { kind: 'nothing-to-confirm' }
  /** The consent is kept: the host may try again. */
  | { kind: 'unavailable' };

export interface Confirmation {
  /** What the browser brought back: it must be of the consent that waits. Absent: the host knows its browser otherwise. */
  confirmation?: string | undefined;
  /** Who confirms, for the audit log. Default: the user. */
  by?: string | undefined;
}

/**
 * Stores a consent that its host has confirmed. Confirming it again is answered alike and stores nothing, also if the
 * connection has ended meanwhile.
 *
 * @throws EncryptionKeyMissing while a key is not configured. The consent is kept.
 */
export async function confirmConsent(
  deps: ConnectDependencies,
  session: ConnectSession,
  { confirmation, by }: Confirmation = {},
): Promise<ConfirmOutcome> {
  const { db, vault } = deps;
  const pendingJwe = await findPendingConfirmation(db, session.id);
  if (pendingJwe === undefined) return confirmedBefore(deps, session);
  const isProven = confirmation === undefined || confirmation === pendingConsentId({ pendingJwe });
  if (!isProven) return { kind: 'nothing-to-confirm' };
  const opened = await openConsent(vault, session, pendingJwe);
  if (opened.kind === 'key-missing') throw new EncryptionKeyMissing(opened.kid);
  if (opened.kind === 'undecryptable') return { kind: 'nothing-to-confirm' };
  const origin = { kind: 'confirmation', pendingJwe } as const;
  const outcome = await storeConsent(deps, session, opened.consent, origin, by);
  const failed = { id: session.id, status: 'failed' } as const;
  switch (outcome.kind) {
    case 'connected':
    case 'awaiting-confirmation':
      return { kind: 'settled' };
    case 'superseded':
      return confirmedBefore(deps, session);
    // The user has connected another account meanwhile, and is not at the page any more.
    case 'account-mismatch':
      await failConfirmation(db, { ...failed, code: 'account-mismatch' });
      return { kind: 'settled' };
    case 'refused':
      if (outcome.isTemporary) return { kind: 'unavailable' };
      await failConfirmation(db, { ...failed, code: outcome.code, detail: outcome.message });
      return { kind: 'settled' };
    default:
      return outcome satisfies never;
  }
}

async function confirmedBefore({ db }: ConnectDependencies, { id }: ConnectSession): Promise<ConfirmOutcome> {
  const session = await findSession(db, id);
  const isConfirmed = session?.status === 'connected' && session.confirm === 'host';
  return { kind: isConfirmed ? 'settled' : 'nothing-to-confirm' };
}
