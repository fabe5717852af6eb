import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { GuardedFetch } from '../../net/network.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { Metrics } from '../../telemetry/metrics/metrics.ts';
import type { KeyRing } from '../../vault/key-ring.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Clock } from '../clock.ts';
import type { LearnedOfEndpoint } from '../credential.ts';
import type { Connection } from '../credential-store.ts';
import type { HeldLease } from './lease.ts';
import type { OperatorClientRefusals } from './operator-client-refusals.ts';
import type { RefreshPlan } from './prepare-refresh.ts';
import type { RefreshLog } from './refresh-log.ts';

export interface RenewalDependencies {
  db: Db;
  vault: Vault;
  keyRing: KeyRing;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  clock: Clock;
  logger: Logger;
  /** Called when a renewal has cleared `reauth-required`: wakes the waiting steps. Must not throw. */
  onRecovered: (key: CredentialKey, version: number) => Promise<void>;
  /** Absent: renewals are not counted. */
  metrics?: Metrics;
}

export interface RefreshDependencies extends RenewalDependencies {
  operatorClientRefusals: OperatorClientRefusals;
}

/** A refresh of one credential, by the process that holds its lease. */
export interface Refresh {
  deps: RefreshDependencies;
  /** As it was read before the lease was taken. */
  connection: Connection;
  lease: HeldLease;
  log: RefreshLog;
}

/** A refresh that may be sent: the grant is opened, and client and token endpoint are chosen. */
export interface PlannedRefresh extends Refresh {
  plan: RefreshPlan;
}

/** A refresh whose request has been handed to the network. */
export interface SentRefresh extends PlannedRefresh {
  /** The number of its intent: `grant_seq` of the row. */
  intent: number;
  /** Milliseconds since just before the intent was recorded. */
  elapsedMs: () => number;
  /** What is known of the token endpoint if this refresh succeeds. */
  learned: LearnedOfEndpoint;
}
