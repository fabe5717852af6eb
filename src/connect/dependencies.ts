import type { DepositGuard, GuardedDepositOutcome } from '../credentials/deposit/deposit-credential.ts';
import type { GrantDeposit } from '../credentials/deposit/deposited-grant.ts';
import type { Logger } from '../logging/logger.ts';
import type { AuthorizationServerLookup } from '../oauth/discovery.ts';
import type { RegistrationDependencies } from './clients/find-or-register-client.ts';

/** What the flow needs from outside. `publicUrl` has no trailing slash. */
export interface ConnectDependencies extends RegistrationDependencies {
  authorizationServers: AuthorizationServerLookup;
  /** The same deposit as that of the API: there is one way to store a credential and to resume steps. */
  deposit(userId: string, deposit: GrantDeposit, guard: DepositGuard): Promise<GuardedDepositOutcome>;
  /** Origins that `returnTo` may name. */
  returnOrigins: readonly string[];
  /** Latchkey's own, which it tells the MCP servers that it asks. */
  version: string;
  logger: Logger;
}
