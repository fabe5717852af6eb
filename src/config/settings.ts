import type { LogLevel } from '../logging/logger.ts';
import type { NetworkPolicy } from '../net/network.ts';
import type { RingKey } from '../vault/key-ring.ts';
import type { EgressProxyConfig } from './egress-proxy.ts';
import type { JwtVerification } from './jwt.ts';
import type { MetricsAddress } from './metrics.ts';
import type { OidcConfig } from './oidc.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Secret } from './secret.ts';
import type { TemporalConfig } from './temporal.ts';
import type { TracesConfig } from './traces.ts';
import type { WebhookConfig } from './webhooks.ts';
import type { WorkerDeployment } from './worker-deployment.ts';
import type { WorkerTuning } from './worker-tuning.ts';

interface CommonSettings {
  databasePoolSize: number;
  taskQueue: string;
  /** Keys for what Temporal stores. The first one encrypts. Undefined: nothing is encrypted. */
  payloadKeys: Secret<readonly RingKey[]> | undefined;
  logLevel: LogLevel;
  /** Undefined: no metrics are recorded or served. */
  metrics: MetricsAddress | undefined;
  /** Undefined: no traces are made or sent. */
  traces: TracesConfig | undefined;
}

/** `dev` provides these itself if they are not configured. */
interface BackingServices {
  databaseUrl: Secret<string>;
  temporal: TemporalConfig;
  /** At least one key. The first one encrypts. */
  encryptionKeys: Secret<readonly RingKey[]>;
}

interface OutboundSettings {
  networkPolicy: NetworkPolicy;
  /** Undefined: outbound requests go to their servers directly. */
  egressProxy: Secret<EgressProxyConfig> | undefined;
  /** Without a trailing slash. */
  publicUrl: string;
}

interface WorkerSettings extends OutboundSettings {
  maxConcurrentActivities: number;
  /** The most slots that the calls of one user take. Undefined: a quarter. */
  maxCallsPerUser: number | undefined;
  /** The most slots that calls to one server take. Undefined: three quarters. */
  maxCallsPerServer: number | undefined;
  /** Undefined: the SDK decides by the available memory. */
  maxCachedWorkflows: number | undefined;
  /** How it takes tasks. */
  tuning: WorkerTuning;
  /** Whether errors and promises of workflow code have stack traces. */
  stackTraces: boolean;
  /** How long results that are too large for Temporal's history are stored. */
  resultRetentionDays: number;
  /** How long the row of a disconnected credential is stored, so that its version numbers continue. */
  tombstoneRetentionDays: number;
  /** Waiters that have not been confirmed for so long are checked, and removed if their steps have ended. */
  waiterRetentionDays: number;
  auditRetentionDays: number;
  /** Undefined: no webhooks are sent. */
  webhooks: WebhookConfig | undefined;
  /** Undefined: no worker versioning. */
  deployment: WorkerDeployment | undefined;
}

interface ServerSettings extends OutboundSettings {
  host: string;
  /** 0: any free port. */
  port: number;
  /** How long `/health` reports "draining" after SIGTERM while everything is still served. */
  drainDelaySeconds: number;
  /** Origins (`https://app.example.com`) that `returnTo` may name. */
  returnOrigins: string[];
  /** Origins of Temporal's UI, whose pages may call the codec endpoint. */
  codecOrigins: string[];
  /** Addresses and ranges of reverse proxies, whose `X-Forwarded-*` headers are believed. */
  trustedProxies: string[];
  rateLimits: RateLimits;
  /** The name of the claim that holds the user id. */
  jwtUserClaim: string;
  /** Undefined: only links sign in to the web page; `dev` has a sign-in of its own. */
  oidc: OidcConfig | undefined;
}

type ProgramVariable =
  | 'LATCHKEY_CACHE'
  | 'XDG_CACHE_HOME'
  | 'TEMPORAL_CLI_PATH'
  | 'TEMPORAL_TEST_SERVER_PATH'
  | 'PATH';

/** Settings of the servers that `dev` starts itself. */
interface EmbeddedSettings {
  /** The folder of databases, keys and token. */
  dataDir: string;
  /** Where to find the Temporal and Postgres binaries. */
  programs: Partial<Record<ProgramVariable, string | undefined>>;
}

interface CallerSettings {
  jwt: JwtVerification;
}

type Optional<T> = { [Name in keyof T]: T[Name] | undefined };

/** The settings of each role. Secrets among them are `Secret`s. */
export interface Settings {
  /** Commands that work on the data itself, such as `migrate`. */
  operator: CommonSettings & BackingServices;
  worker: CommonSettings & BackingServices & WorkerSettings;
  server: CommonSettings & BackingServices & ServerSettings & CallerSettings;
  dev: CommonSettings &
    WorkerSettings &
    ServerSettings &
    Optional<BackingServices & CallerSettings> &
    EmbeddedSettings;
}

export type Role = keyof Settings;

/** A role's settings and the version of this package. */
export type Config<R extends Role> = Settings[R] & { version: string };

export type OperatorConfig = Config<'operator'>;
export type WorkerConfig = Config<'worker'>;
export type ServerConfig = Config<'server'>;
/** Worker and server in one. `dev` starts or generates what is undefined. */
export type DevConfig = Config<'dev'>;
