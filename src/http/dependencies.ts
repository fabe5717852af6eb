import type { FastifyBaseLogger } from 'fastify';
import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import type { DepositOutcome } from '../credentials/deposit-credential.ts';
import type { PayloadCipher } from '../payloads/payload-cipher.ts';
import type { Deposit } from '../schemas/deposit.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { StepClient } from '../steps/step-client.ts';
import type { ListReading } from '../tools/list-budget.ts';
import type { ListUserToolsOutcome } from '../tools/list-user-tools.ts';
import type { JwtOptions } from './token-verifier.ts';

/**
 * All that the HTTP API does beyond HTTP. Whatever throws TemporalUnavailable, or an error of a lost database
 * connection, becomes a 503; any other exception a 500.
 */
export interface HttpDependencies {
  servers: ServerStore;
  /** Why an admin may not register this address, or undefined. */
  refuseServerAddress(url: string): string | undefined;
  deposit(userId: string, deposit: Deposit): Promise<DepositOutcome>;
  listConnections(userId: string): Promise<ConnectionSummary[]>;
  /** Also where there was nothing to disconnect. */
  disconnect(key: CredentialKey): Promise<void>;
  /** All pages, within 15 s. */
  listTools(key: CredentialKey, reading?: ListReading): Promise<ListUserToolsOutcome>;
  steps: StepClient;
  /** Undefined where payloads are not encrypted. */
  payloadCipher: PayloadCipher | undefined;
  /** Each rejects when the service does not answer; the time limit is the caller's. */
  checks: { postgres(): Promise<void>; temporal(): Promise<void> };
  /** True from SIGTERM on. */
  isDraining(): boolean;
  logger: FastifyBaseLogger;
}

export interface HttpOptions {
  /** Of the package; on every answer. */
  version: string;
  jwt: JwtOptions;
  /** The address that users' browsers reach, without a trailing slash. */
  publicUrl: string;
  /** Origins of pages that may call the codec routes. Default: none. */
  codecOrigins?: readonly string[];
  /** Whose `X-Forwarded-For` to believe, as Fastify takes it. Default: nobody's. */
  trustProxy?: boolean | string | string[];
  /** Of each user, and of each address without a valid token; counted in this process. Default 6,000. */
  requestsPerMinute?: number;
}
