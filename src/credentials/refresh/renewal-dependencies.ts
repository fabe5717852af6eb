import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { GuardedFetch } from '../../net/network.ts';
import type { AuthorizationServerLookup } from '../../oauth/discovery.ts';
import type { KeyRing } from '../../vault/key-ring.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Clock } from '../clock.ts';
import type { OperatorClientRefusals } from './operator-client-refusals.ts';

export interface RenewalDependencies {
  db: Db;
  vault: Vault;
  keyRing: KeyRing;
  guardedFetch: GuardedFetch;
  authorizationServers: AuthorizationServerLookup;
  clock: Clock;
  logger: Logger;
  /** A renewal cleared `reauth-required`: wakes the steps that wait. Must not throw. */
  onRecovered: (key: CredentialKey, version: number) => Promise<void>;
}

/** What one process knows besides. */
export interface LeaseDependencies extends RenewalDependencies {
  operatorClientRefusals: OperatorClientRefusals;
}
