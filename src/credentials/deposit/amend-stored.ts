import type { CredentialKey, KeyMissing } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { fingerprintUnder, type KeyRing } from '../../vault/key-ring.ts';
import type { Vault } from '../../vault/vault.ts';
import { type OpenedGrant, openGrant } from '../credential.ts';
import { amendCredential, type CurrentCredential } from './deposit-store.ts';
import {
  type AmendableCredential,
  amendmentOf,
  type GrantDeposit,
  withStoredClient,
} from './deposited-grant.ts';
import type { TokenRelation } from './recognize-token.ts';
import type { SealedDeposit } from './seal-deposit.ts';

export interface AmendDependencies {
  vault: Vault;
  keyRing: KeyRing;
}

/** A disconnect has deleted the newer token, so the deposit of a spent token is refused instead of amending it. */
const SPENT = {
  kind: 'refused',
  field: 'refreshToken',
  message: 'is spent: a renewal has replaced it, and the connection has been ended since',
} as const;

/** A deposit of a refresh token that the stored credential knows, under the lock of its row. */
export interface KnownDeposit {
  key: CredentialKey;
  deposit: GrantDeposit;
  sealed: SealedDeposit;
  server: RegisteredServer;
  current: CurrentCredential;
  relation: TokenRelation;
}

export type AmendOutcome =
  | { kind: 'amended'; version: number }
  /** Everything was stored already. */
  | { kind: 'stored'; changed: false; version: number; resuming: 0 }
  | typeof SPENT
  | KeyMissing;

/** Changes what the deposit says differently about the stored grant. The newer refresh token stays. */
export async function amendStored(
  deps: AmendDependencies,
  db: Db,
  toStore: KnownDeposit,
): Promise<AmendOutcome> {
  const { key, deposit, sealed, server, current, relation } = toStore;
  const { status, grant_jwe: storedJwe } = current;
  if (status === 'disconnected') return SPENT;
  const opened = storedJwe === null ? undefined : await openGrant(deps.vault, key, storedJwe);
  // The newer token can't be decrypted here, so it can be neither amended nor compared.
  if (opened?.kind === 'key-missing' && relation === 'spent') return opened;
  const stored = await amendableCredential(deps, toStore, { status, opened });
  const completed = relation === 'spent' ? withStoredClient(deposit, stored) : deposit;
  const amendment = amendmentOf(completed, stored, relation === 'spent');
  if (amendment === undefined) {
    return { kind: 'stored', changed: false, version: Number(current.credential_version), resuming: 0 };
  }
  const grantJwe = await deps.vault.seal('grant', key, amendment.grant);
  const amended = { server, deposit: completed, amendment, grantJwe, sealed };
  return { kind: 'amended', version: await amendCredential(db, key, amended) };
}

async function amendableCredential(
  { vault, keyRing }: AmendDependencies,
  { key, deposit, server, current }: KnownDeposit,
  { status, opened }: { status: AmendableCredential['status']; opened: OpenedGrant | undefined },
): Promise<AmendableCredential> {
  return {
    status,
    reason: current.reason,
    isOfCurrentServer: Number(current.server_revision) === server.revision,
    isRefreshing: current.is_refreshing,
    clientSecretExpiresAt: current.client_secret_expires_at,
    grant: opened?.kind === 'opened' ? opened.grant : undefined,
    accessToken: await openAccessToken(vault, key, current.access_token_jwe),
    isAccessTokenOfLastDeposit: isAccessTokenOfLastDeposit(keyRing, key, deposit, current),
    expiresInOfLastDeposit: current.deposited_expires_in,
    identity: { label: current.label, subject: current.subject },
  };
}

function isAccessTokenOfLastDeposit(
  { fingerprintKeys }: KeyRing,
  key: CredentialKey,
  { accessToken }: GrantDeposit,
  { deposited_access_fingerprint: deposited }: CurrentCredential,
): boolean {
  if (accessToken === undefined || deposited === null) return false;
  return fingerprintKeys.some((one) => fingerprintUnder(one, accessToken, key) === deposited);
}

async function openAccessToken(
  vault: Vault,
  key: CredentialKey,
  jwe: string | null,
): Promise<string | undefined> {
  const opened = jwe === null ? undefined : await vault.open('access-token', key, jwe);
  return opened?.kind === 'opened' ? opened.plaintext : undefined;
}
