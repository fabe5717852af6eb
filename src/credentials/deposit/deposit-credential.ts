/**
 * Stores the grants that users deposit. All code that stores a grant enters here: it must not call the stores of this
 * folder, because here a spent refresh token is recognized and the waiting steps are woken. `docs/design.md`, "Deposit
 * and resumption", says why no wake-up is lost.
 */
import { appendAuditEvent } from '../../audit/audit-log.ts';
import { credentialKey } from '../../contracts/accounts.ts';
import type { CredentialKey, KeyMissing } from '../../contracts/activities.ts';
import { type Db, inRolledBackTransaction, inTransaction } from '../../db/pool.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { KeyRing } from '../../vault/key-ring.ts';
import type { Vault } from '../../vault/vault.ts';
import { openGrant } from '../credential.ts';
import { amendStored, type KnownDeposit } from './amend-stored.ts';
import { type CurrentCredential, lockCredential, lockServer, replaceCredential } from './deposit-store.ts';
import { type DepositCondition, type GrantDeposit, isForAnother, isSameClient } from './deposited-grant.ts';
import { type LeftAlone, leftAlone, mayBeSpent } from './left-alone.ts';
import { missingFingerprintKeyId, tokenRelation } from './recognize-token.ts';
import {
  type ResumptionDependencies,
  type Stored,
  type Validated,
  validated,
  withResumption,
} from './resume-waiting.ts';
import { type SealedDeposit, sealDeposit } from './seal-deposit.ts';
import { findNamedEndpoint, type NamedEndpoint, type Vetting, vetDeposit } from './vet-deposit.ts';

export type DepositOutcome =
  | Stored
  | { kind: 'unknown-server' }
  /** The stored connection is of another subject, and the deposit does not say `replace`. Nothing was stored. */
  | { kind: 'account-mismatch' }
  /**
   * A key is not configured here. Without it the token can't be distinguished from a spent one, or the newer token
   * can't be decrypted. Nothing was stored.
   */
  | KeyMissing
  /** Whether the token endpoint belongs to the authorization server can't be found out now. Nothing was stored. */
  | { kind: 'unavailable'; cause: string }
  | { kind: 'refused'; field: string; message: string };

/** The outcome of a deposit that may have a condition. */
export type RequestedDepositOutcome = DepositOutcome | Validated | LeftAlone;

export interface Depositor {
  /** Who deposits, for the audit log. Default: the user. */
  by?: string | undefined;
}

/** Makes a deposit and a decision of its caller one transaction. */
export interface DepositGuard extends Depositor {
  /** Of the registration that the grant was issued for. */
  serverRevision: number;
  /**
   * Runs before the server and the credential are locked, so what it locks is locked in the order of `wipeUser`.
   * Resolves to false if the deposit must not be stored any more.
   */
  lock(db: Db): Promise<boolean>;
  /** Runs after the grant was stored. */
  finish(db: Db): Promise<void>;
}

export type GuardedDepositOutcome =
  | DepositOutcome
  /** The guard did not agree. Nothing was stored. */
  | { kind: 'superseded' }
  /** The server has another registration than `serverRevision`. Nothing was stored. */
  | { kind: 'server-changed' };

export interface DepositDependencies extends ResumptionDependencies {
  vault: Vault;
  keyRing: KeyRing;
  authorizationServers: AuthorizationServerLookup;
  /** Returns why a user may not name this address, or undefined. */
  refuseAddress: (url: string) => string | undefined;
}

/**
 * Stores the grant of a user's account and wakes the steps that wait for it. If the refresh token is the current one,
 * every field that differs takes effect. If it is a spent one, the same holds, but the newer token stays: if the spent
 * token were sent, the authorization server would revoke the whole grant. Any other token, or a grant without one, wins
 * over a refresh that is under way; the superseded tokens are dropped and not revoked, because the same consent may
 * share the grant.
 *
 * With `onlyIfAbsent`, an account that is connected keeps what is stored, which may be newer than the deposit. The
 * row is locked from this check to the commit, so of several such deposits at once one is stored. With it, or with
 * `unlessDisconnected`, a disconnection stays as well, and with it the grant that is still to be revoked.
 */
export async function depositCredential(
  deps: DepositDependencies,
  userId: string,
  deposit: GrantDeposit,
  guard: DepositGuard,
): Promise<GuardedDepositOutcome>;
export async function depositCredential(
  deps: DepositDependencies,
  userId: string,
  deposit: GrantDeposit & DepositCondition,
  depositor?: Depositor,
): Promise<RequestedDepositOutcome>;
export async function depositCredential(
  deps: DepositDependencies,
  userId: string,
  deposit: GrantDeposit & DepositCondition,
  options: DepositGuard | Depositor = {},
): Promise<GuardedDepositOutcome | RequestedDepositOutcome> {
  const by = options.by ?? userId;
  const guard = 'lock' in options ? options : undefined;
  const key = credentialKey({ ...deposit, userId });
  const sealed = await sealDeposit({ ...deps, db: deps.pool }, key, deposit);
  const transaction = deposit.validateOnly ? inRolledBackTransaction : inTransaction;
  let named: NamedEndpoint | undefined;
  for (;;) {
    const store = (db: Db) => storeGuarded(deps, db, { key, by, deposit, sealed, named }, guard);
    const outcome = await transaction(deps.pool, store);
    if (outcome.kind === 'stored') {
      return deposit.validateOnly ? validated(deps, key, outcome) : withResumption(deps, key, outcome);
    }
    if (outcome.kind !== 'ask') return outcome;
    // Requested between two transactions. If the registration changes meanwhile, the new authorization server is asked.
    const found = await findNamedEndpoint(deps.authorizationServers, outcome.authorizationServer);
    if (found.kind === 'unavailable') return found;
    named = found.named;
  }
}

interface DepositToStore {
  key: CredentialKey;
  by: string;
  deposit: GrantDeposit & DepositCondition;
  sealed: SealedDeposit;
  named: NamedEndpoint | undefined;
}

type StoreOutcome = GuardedDepositOutcome | RequestedDepositOutcome | Extract<Vetting, { kind: 'ask' }>;

async function storeGuarded(
  deps: DepositDependencies,
  db: Db,
  toStore: DepositToStore,
  guard: DepositGuard | undefined,
): Promise<StoreOutcome> {
  if (guard === undefined) return storeDeposit(deps, db, toStore);
  if (!(await guard.lock(db))) return { kind: 'superseded' };
  const outcome = await storeDeposit(deps, db, toStore, guard.serverRevision);
  if (outcome.kind === 'stored') await guard.finish(db);
  return outcome;
}

/** @param expectedRevision of the server's registration; absent: any */
async function storeDeposit(
  deps: DepositDependencies,
  db: Db,
  toStore: DepositToStore,
  expectedRevision?: number,
): Promise<StoreOutcome> {
  const { key, by, deposit, sealed } = toStore;
  const server = await lockServer(db, key.mcpServerId);
  if (server === undefined) return { kind: 'unknown-server' };
  if (server.revision !== (expectedRevision ?? server.revision)) return { kind: 'server-changed' };
  const vetting = vetDeposit(server, deposit, toStore.named, deps.refuseAddress);
  if (vetting.kind === 'refused') return vetting;
  const current = await lockCredential(db, key);
  const left = await leftAlone(db, key, deposit, { current, server });
  if (left) return left;
  // After the check, because an authorization server that is away does not matter to an account that is left alone.
  if (vetting.kind === 'ask') return vetting;
  if (current && isMismatch(deposit, current)) return { kind: 'account-mismatch' };
  const completed = current && (await withStoredRefreshToken(deps.vault, { key, deposit, server, current }));
  if (current && completed) {
    const resealed = await sealDeposit({ ...deps, db }, key, completed);
    const toAmend = { ...toStore, deposit: completed, sealed: resealed, server, current };
    return amend(deps, db, { ...toAmend, relation: 'current' });
  }
  const { known } = sealed;
  const relation = current && known && tokenRelation(current, known);
  if (current && relation) return amend(deps, db, { ...toStore, server, current, relation });
  const kid = current && known && missingFingerprintKeyId(current, known);
  if (kid !== undefined) return { kind: 'key-missing', kid };
  if (current && known && deposit.onlyIfAbsent && mayBeSpent(current)) return { kind: 'already-connected' };
  const isKnown = current !== undefined;
  const version = await replaceCredential(db, key, { server, deposit, sealed, isKnown });
  // Another first deposit, perhaps of the same token, was faster: compare again, under the lock of its row.
  return version === undefined
    ? storeDeposit(deps, db, toStore, expectedRevision)
    : changedTo(db, { key, by }, version);
}

// A disconnected account can be connected as another subject, because nothing is replaced.
function isMismatch(deposit: GrantDeposit, current: CurrentCredential): boolean {
  return current.status !== 'disconnected' && deposit.replace !== true && isForAnother(deposit, current);
}

/**
 * Completes a consent of the same person and client with the stored refresh token, if it brought none: some servers
 * issue one with the first consent only, and it goes on to work (RFC 6749 §1.5). Undefined: there is nothing to keep.
 */
async function withStoredRefreshToken(
  vault: Vault,
  { key, deposit, server, current }: Pick<KnownDeposit, 'key' | 'deposit' | 'server' | 'current'>,
): Promise<GrantDeposit | undefined> {
  const isLive = current.status === 'connected' && Number(current.server_revision) === server.revision;
  const isSamePerson = deposit.subject !== undefined && deposit.subject === current.subject;
  const isRenewable = deposit.refreshToken !== undefined;
  if (!deposit.isConsent || isRenewable || !isLive || !isSamePerson || current.grant_jwe === null)
    return undefined;
  const opened = await openGrant(vault, key, current.grant_jwe);
  const grant = opened.kind === 'opened' ? opened.grant : undefined;
  if (grant?.refreshToken === undefined || !isSameClient(deposit, grant)) return undefined;
  return { ...deposit, refreshToken: grant.refreshToken };
}

type Deposited = Pick<DepositToStore, 'key' | 'by'>;

async function changedTo(db: Db, { key, by: actorUserId }: Deposited, version: number): Promise<Stored> {
  await appendAuditEvent(db, { action: 'connected', actorUserId, ...key, details: { version } });
  return { kind: 'stored', changed: true, version, resuming: 0 };
}

async function amend(
  deps: DepositDependencies,
  db: Db,
  known: KnownDeposit & Deposited,
): Promise<DepositOutcome> {
  const outcome = await amendStored(deps, db, known);
  return outcome.kind === 'amended' ? changedTo(db, known, outcome.version) : outcome;
}
