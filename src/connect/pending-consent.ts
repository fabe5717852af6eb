import type { KeyMissing } from '../contracts/activities.ts';
import type { GrantDeposit } from '../credentials/deposit/deposited-grant.ts';
import { hashOpaqueToken } from '../vault/opaque-token.ts';
import type { Vault } from '../vault/vault.ts';
import type { ConnectSession, Renewability } from './sessions/connect-session.ts';

/** A consent whose tokens are here and not stored as a connection yet. Sealed while it waits for a person. */
export interface PendingConsent {
  connectSessionId: string;
  /** Its `expiresIn` counts from `receivedAt` on. */
  deposit: GrantDeposit;
  /** ISO 8601. */
  receivedAt: string;
  /** The server must still be registered as it was when the authorization began. */
  serverRevision: number;
}

export function sealConsent(vault: Vault, { key }: ConnectSession, consent: PendingConsent): Promise<string> {
  return vault.seal('pending-deposit', bindingOf(key), consent);
}

export async function openConsent(
  vault: Vault,
  { id, key }: ConnectSession,
  pendingJwe: string,
): Promise<{ kind: 'opened'; consent: PendingConsent } | KeyMissing | { kind: 'undecryptable' }> {
  const opened = await vault.open('pending-deposit', bindingOf(key), pendingJwe);
  if (opened.kind !== 'opened') return opened;
  // The cast is safe: the vault opens only what `PendingConsent` was sealed into.
  const consent = JSON.parse(opened.plaintext) as PendingConsent;
  // A text that was copied from another session does not count.
  return consent.connectSessionId === id ? { kind: 'opened', consent } : { kind: 'undecryptable' };
}

function bindingOf({ userId, mcpServerId }: ConnectSession['key']) {
  return { userId, mcpServerId };
}

/** Returns the deposit as it is at a time: the access token has been aging since it was received. */
export function depositAt({ deposit, receivedAt }: PendingConsent, at: Date): GrantDeposit {
  const { expiresIn } = deposit;
  if (expiresIn === undefined) return deposit;
  const age = Math.max(0, at.getTime() - Date.parse(receivedAt)) / 1000;
  return { ...deposit, expiresIn: Math.max(0, expiresIn - age) };
}

/** A grant without a refresh token works until its access token expires. */
export function renewalOf({ deposit, receivedAt }: PendingConsent): Renewability {
  const { refreshToken, expiresIn } = deposit;
  if (refreshToken !== undefined) return { isRenewable: true };
  if (expiresIn === undefined) return { isRenewable: false };
  return { isRenewable: false, worksUntil: new Date(Date.parse(receivedAt) + expiresIn * 1000) };
}

/** Distinguishes a waiting consent from all others. It can't be guessed, because it is the hash of a ciphertext. */
export function pendingConsentId({ pendingJwe = '' }: { pendingJwe?: string }): string {
  return hashOpaqueToken(pendingJwe).toString('base64url');
}
