import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { CountedBytes, MemoryBudgetLimits } from '../async/memory-budget.ts';
import type { AuditEvent } from '../audit/audit-log.ts';
import type { AuditEntry, AuditPage } from '../audit/read-audit.ts';
import type { ChangeHub } from '../changes/change-hub.ts';
import type { ConnectFlow } from '../connect/connect-flow.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import type { ConnectionsPage, UserConnection } from '../credentials/all-connections.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import type { RequestedDepositOutcome } from '../credentials/deposit/deposit-credential.ts';
import type { KnownConnections } from '../credentials/known-connections.ts';
import type { RequestContext } from '../logging/request-context.ts';
import type { ArgumentsChecker } from '../mcp/check-arguments-in-thread.ts';
import type { PayloadCipher } from '../payloads/payload-cipher.ts';
import type { Deposit } from '../schemas/deposit.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { CursorKeys } from '../steps/list-cursor.ts';
import type { StepClient } from '../steps/step-client.ts';
import type { Metrics } from '../telemetry/metrics/metrics.ts';
import type { Tracing } from '../telemetry/traces/tracing.ts';
import type { ListUserToolsOutcome } from '../tools/list-user-tools.ts';
import type { CsrfKeys } from '../web/csrf-token.ts';
import type { WebSessions } from '../web/session-store.ts';
import type { SignIn } from '../web/sign-in.ts';
import type { SignInLinks } from '../web/sign-in-link-store.ts';
import type { StreamOptions } from './plugins/stream-limits.ts';
import type { JwtOptions } from './token-verifier.ts';

/** A Fastify instance, or a scope of one, whose routes are typed by their zod schemas. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/**
 * Everything that the HTTP API calls outside of `http/`. A TemporalUnavailable or an error of a lost database
 * connection becomes a 503, any other exception a 500.
 */
export interface HttpDependencies {
  servers: ServerStore;
  /** Returns why an admin may not register this address, or undefined if it is allowed. */
  refuseServerAddress(url: string): string | undefined;
  /** @param by who deposits, for the audit log */
  deposit(userId: string, deposit: Deposit, by: string): Promise<RequestedDepositOutcome>;
  listConnections(userId: string): Promise<ConnectionSummary[]>;
  /** The user's connections and those that steps wait for, as the database knows them. Asks Temporal nothing. */
  knownConnections(userId: string): Promise<KnownConnections>;
  /** Resolves even if there was nothing to disconnect. @param by who disconnects, for the audit log */
  disconnect(key: CredentialKey, by: string): Promise<void>;
  /** Reads all pages, for at most 15 s. */
  listTools(key: CredentialKey, counted?: CountedBytes): Promise<ListUserToolsOutcome>;
  /** Checks what a person enters in a form before it is sent to a step. */
  argumentsChecker: Pick<ArgumentsChecker, 'findProblems'>;
  steps: StepClient;
  connect: ConnectFlow;
  /** Appends to the audit log what no operation records itself. */
  audit(event: AuditEvent): Promise<void>;
  readAudit(page: AuditPage): Promise<AuditEntry[]>;
  /** The moment before which the audit log is complete: audit/read-audit.ts. */
  readAuditHorizon(): Promise<string>;
  /** The connections of all users. */
  listAllConnections(page: ConnectionsPage): Promise<UserConnection[]>;
  /** The keys that seal the cursors of lists. */
  cursorKeys: CursorKeys;
  changes: ChangeHub;
  web: WebDependencies;
  /** Undefined if payloads are not encrypted. */
  payloadCipher: PayloadCipher | undefined;
  /** Each rejects if the service does not answer. The caller sets the time limit. */
  checks: { postgres(): Promise<void>; temporal(): Promise<void> };
  /** True from SIGTERM on. */
  isDraining(): boolean;
  /** Absent: requests are not measured. */
  metrics?: Pick<Metrics, 'answered'>;
  /** Absent: requests make no spans. */
  tracing?: Tracing | undefined;
  logger: FastifyBaseLogger;
  /** Carries a request's id to the lines of `logger`. */
  requests: RequestContext;
}

/** What the pages and the browser's cookies need. */
export interface WebDependencies {
  sessions: WebSessions;
  csrfKeys: CsrfKeys;
  links: SignInLinks;
  signIn: SignIn;
}

export interface HttpOptions {
  /** The package's version, sent with every response. */
  version: string;
  jwt: JwtOptions;
  /** The address at which users' browsers reach the API, without a trailing slash. */
  publicUrl: string;
  /** Origins that `returnTo` may name. */
  returnOrigins: readonly string[];
  /** Origins of pages that may call the codec routes. Default: none. */
  codecOrigins?: readonly string[];
  /** The proxies whose `X-Forwarded-For` is trusted, as Fastify's option `trustProxy`. Default: none. */
  trustProxy?: boolean | string | string[];
  /** The limit per user. Each process counts alone. Default 6,000. */
  requestsPerMinute?: number;
  /** The limit per address for requests without a valid token or session. Default: `requestsPerMinute`. */
  addressRequestsPerMinute?: number;
  /** The limit of a token that acts for users, over all of them. Each process counts alone. Default 60,000. */
  serviceRequestsPerMinute?: number;
  /** The limit per address for signing in and for coming back from an authorization server. Default 60. */
  signInsPerMinute?: number;
  /**
   * How often a user, and one connect session, may begin an authorization. Each causes requests to the MCP server and to
   * its authorization server. Each process counts alone. Default 10.
   */
  beginsPerMinute?: number;
  /** Limits on the lists of tools that are read at once. Default: those of `tools/list-budget.ts`. */
  lists?: Partial<MemoryBudgetLimits>;
  /** Limits on the stored results that are sent at once. Default: those of `results/result-budget.ts`. */
  results?: Partial<MemoryBudgetLimits>;
  /** Limits and times of event streams. Default: those of `routes/events.ts`. */
  events?: Partial<StreamOptions>;
}
