import { appendAuditEvent } from '../../audit/audit-log.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import { type Db, inTransaction, type Pool } from '../../db/pool.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { Deposit } from '../../schemas/deposit.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { fingerprintUnder, type KeyRing, kidOfFingerprint } from '../../vault/key-ring.ts';
import type { Vault } from '../../vault/vault.ts';
import { openGrant } from '../open-grant.ts';
import { countDueWaiters } from '../waiters/waiter-store.ts';
import {
  amendCredential,
  type CurrentCredential,
  lockCredential,
  lockServer,
  replaceCredential,
} from './deposit-store.ts';
import { amendmentBy, grantOf, type MetCredential, withStoredClient } from './deposited-grant.ts';
import { type KnownFingerprints, knownFingerprints } from './fingerprint-key-store.ts';
import { findNamedEndpoint, type NamedEndpoint, type Vetting, vetDeposit } from './vet-deposit.ts';

export type DepositOutcome =
  /** `changed`: false where everything was stored already; the version is what it was. */
  | { kind: 'stored'; changed: boolean; version: number; resuming: number }
  | { kind: 'unknown-server' }
  /**
   * The token can't be told from one that is spent, or the newer one can't be read: that is under a key that is not
   * configured. Nothing was stored.
   */
  | { kind: 'key-missing'; kid: string }
  /** Whether the token endpoint is the authorization server's can't be found out now. Nothing was stored. */
  | { kind: 'unavailable'; cause: string }
  | { kind: 'refused'; field: string; message: string };

export interface DepositDependencies {
  pool: Pool;
  vault: Vault;
  keyRing: KeyRing;
  authorizationServers: AuthorizationServerLookup;
  /** Why a user may not name this address, or undefined. */
  refuseAddress: (url: string) => string | undefined;
  /** Starts `resumeSteps`; must not throw: what it fails to start, the reconcile schedule finds. */
  startResumption: (key: CredentialKey, version: number) => Promise<void>;
  /** Removes the waiters of the user's steps that have ended without removing them. Default: they are counted. */
  forgetEndedWaiters?: (userId: string) => Promise<void>;
}

/**
 * Stores a user's grant and wakes the steps that wait for it. Of a deposit of the current refresh token everything
 * that differs takes effect; of one of a spent token the same, but the newer token stays: sending the spent one would
 * make the authorization server revoke the whole grant. A deposit of another token wins over a renewal in flight;
 * superseded tokens are dropped, not revoked, because the same consent may share the grant.
 */
export async function depositCredential(
  deps: DepositDependencies,
  userId: string,
  deposit: Deposit,
): Promise<DepositOutcome> {
  const key = { userId, mcpServerId: deposit.mcpServerId };
  const sealed = await sealDeposit(deps, key, deposit);
  let named: NamedEndpoint | undefined;
  for (;;) {
    const work = (db: Db) => storeDeposit(deps, db, { key, deposit, sealed, named });
    const outcome = await inTransaction(deps.pool, work);
    if (outcome.kind === 'stored') return withResumption(deps, key, outcome);
    if (outcome.kind !== 'ask') return outcome;
    // Asked between two transactions: the registration may change meanwhile, and then the new one is asked.
    const found = await findNamedEndpoint(deps.authorizationServers, outcome.authorizationServer);
    if (found.kind === 'unavailable') return found;
    named = found.named;
  }
}

type Stored = Extract<DepositOutcome, { kind: 'stored' }>;

// Counted after the commit: a step that registers from here on sees the new version by itself.
async function withResumption(
  deps: DepositDependencies,
  key: CredentialKey,
  stored: Stored,
): Promise<DepositOutcome> {
  const resuming = await countResuming(deps, key, stored.version);
  if (resuming > 0) await deps.startResumption(key, stored.version);
  return { ...stored, resuming };
}

async function countResuming(
  { pool, forgetEndedWaiters }: DepositDependencies,
  key: CredentialKey,
  version: number,
): Promise<number> {
  if ((await countDueWaiters(pool, key, version)) === 0) return 0;
  await forgetEndedWaiters?.(key.userId);
  return countDueWaiters(pool, key, version);
}

interface SealedDeposit {
  grantJwe: string;
  accessTokenJwe: string | null;
  fingerprint: string;
  accessFingerprint: string | null;
  known: KnownFingerprints;
}

async function sealDeposit(
  { pool, vault, keyRing }: DepositDependencies,
  key: CredentialKey,
  deposit: Deposit,
): Promise<SealedDeposit> {
  const { refreshToken, accessToken } = deposit;
  return {
    grantJwe: await vault.seal('grant', key, grantOf(deposit)),
    accessTokenJwe: accessToken === undefined ? null : await vault.seal('access-token', key, accessToken),
    fingerprint: keyRing.fingerprint(refreshToken, key),
    accessFingerprint: accessToken === undefined ? null : keyRing.fingerprint(accessToken, key),
    known: await knownFingerprints({ db: pool, vault, keyRing }, key, refreshToken),
  };
}

interface DepositToStore {
  key: CredentialKey;
  deposit: Deposit;
  sealed: SealedDeposit;
  named: NamedEndpoint | undefined;
}

async function storeDeposit(
  deps: DepositDependencies,
  db: Db,
  toStore: DepositToStore,
): Promise<DepositOutcome | Extract<Vetting, { kind: 'ask' }>> {
  const { key, deposit, sealed } = toStore;
  const server = await lockServer(db, key.mcpServerId);
  if (server === undefined) return { kind: 'unknown-server' };
  const vetting = vetDeposit(server, deposit, toStore.named, deps.refuseAddress);
  if (vetting.kind !== 'accepted') return vetting;
  const current = await lockCredential(db, key);
  const relation = current && relationTo(current, sealed.known);
  if (current && relation) return amendStored(deps, db, { ...toStore, server, current, relation });
  const kid = current && unsettledKid(current, sealed);
  if (kid !== undefined) return { kind: 'key-missing', kid };
  const ready = { ...sealed, knownFingerprints: sealed.known.all };
  const isKnown = current !== undefined;
  const version = await replaceCredential(db, key, { server, deposit, sealed: ready, isKnown });
  // Overtaken by another first deposit, perhaps of this very token: judged again, under the row's lock.
  return version === undefined ? storeDeposit(deps, db, toStore) : changedTo(db, key, version);
}

async function changedTo(db: Db, key: CredentialKey, version: number): Promise<Stored> {
  const { userId: actorUserId } = key;
  await appendAuditEvent(db, { action: 'connected', actorUserId, ...key, details: { version } });
  return { kind: 'stored', changed: true, version, resuming: 0 };
}

type Relation = 'current' | 'spent';

/** Undefined: another token than those that are known here, or one of a connection that has been ended. */
function relationTo(current: CurrentCredential, known: KnownFingerprints): Relation | undefined {
  if (current.spent_fingerprints.some((one) => known.all.includes(one))) return 'spent';
  const isCurrent = known.all.includes(current.refresh_fingerprint ?? '');
  return isCurrent && current.status !== 'disconnected' ? 'current' : undefined;
}

/** There is no newer token to keep, so nothing of the deposit could take effect. */
const SPENT: DepositOutcome = {
  kind: 'refused',
  field: 'refreshToken',
  message: 'is spent: a renewal has replaced it, and the connection has been ended since',
};

interface KnownDeposit extends DepositToStore {
  server: RegisteredServer;
  current: CurrentCredential;
  relation: Relation;
}

async function amendStored(
  { vault, keyRing }: DepositDependencies,
  db: Db,
  { key, deposit, sealed, server, current, relation }: KnownDeposit,
): Promise<DepositOutcome> {
  const unchanged: Stored = {
    kind: 'stored',
    changed: false,
    version: Number(current.credential_version),
    resuming: 0,
  };
  if (current.status === 'disconnected') return SPENT;
  const grant = await openGrant(vault, key, current.grant_jwe);
  // The newer token can't be read here: it can be neither amended nor compared.
  if (grant?.kind === 'key-missing' && relation === 'spent') return grant;
  const met: MetCredential = {
    status: current.status,
    reason: current.reason,
    isOfThisServer: Number(current.server_revision) === server.revision,
    isRefreshing: current.is_refreshing,
    clientSecretExpiresAt: current.client_secret_expires_at,
    grant: grant?.kind === 'opened' ? grant.grant : undefined,
    accessToken: await openAccessToken(vault, key, current.access_token_jwe),
    isAccessTokenOfBefore: isAccessTokenOf(keyRing, key, deposit, current),
    expiresInOfBefore: current.deposited_expires_in,
  };
  const meant = relation === 'spent' ? withStoredClient(deposit, met) : deposit;
  const amendment = amendmentBy(meant, met, relation === 'spent');
  if (amendment === undefined) return unchanged;
  const grantJwe = await vault.seal('grant', key, amendment.grant);
  const amended = { server, deposit: meant, amendment, grantJwe, sealed };
  return changedTo(db, key, await amendCredential(db, key, amended));
}

function isAccessTokenOf(
  { fingerprintKeys }: KeyRing,
  key: CredentialKey,
  { accessToken }: Deposit,
  { deposited_access_fingerprint: before }: CurrentCredential,
): boolean {
  if (accessToken === undefined || before === null) return false;
  return fingerprintKeys.some((one) => fingerprintUnder(one, accessToken, key) === before);
}

async function openAccessToken(
  vault: Vault,
  key: CredentialKey,
  jwe: string | null,
): Promise<string | undefined> {
  const opened = jwe === null ? undefined : await vault.open('access-token', key, jwe);
  return opened?.kind === 'opened' ? opened.plaintext : undefined;
}

// Taken for a new one, a spent token would be sent, and the authorization server would revoke the whole grant.
function unsettledKid(current: CurrentCredential, { known }: SealedDeposit): string | undefined {
  const fingerprints = [current.refresh_fingerprint ?? [], current.spent_fingerprints].flat();
  return fingerprints.map(kidOfFingerprint).find((kid) => !known.settles(kid));
}
