import type { z } from 'zod';
import { LOG_LEVELS, type LogLevel } from '../logging/logger.ts';
import type { NetworkPolicy } from '../net/network.ts';
import type { RingKey } from '../vault/key-ring.ts';
import { codecOrigins, port, publicUrl, returnOrigins } from './addresses.ts';
import { encryptionKeys } from './encryption-keys.ts';
import { type JwtVerification, jwtVerification, optionalJwtVerification } from './jwt.ts';
import {
  type Environment,
  type Part,
  part,
  readAll,
  type VariableHelp,
  variable,
  variablesOf,
} from './part.ts';
import type { ConfigProblem } from './problem.ts';
import type { Secret } from './secret.ts';
import { optionalTemporal, type TemporalConfig, temporal } from './temporal.ts';
import { refuseUnavailable } from './unavailable.ts';
import { integer, oneOf, postgresUrl, text } from './variables.ts';
import { packageVersion } from './version.ts';
import { type WebhookConfig, webhooks } from './webhooks.ts';
import { type WorkerDeployment, workerDeployment } from './worker-deployment.ts';

export type { JwtVerification } from './jwt.ts';
export { type ConfigProblem, ConfigurationRefused, formatProblems } from './problem.ts';
export { Secret } from './secret.ts';
export type { TemporalConfig, TemporalConnection } from './temporal.ts';
export type { WebhookConfig } from './webhooks.ts';

/** What every role has. */
interface CommonSettings {
  databasePoolSize: number;
  taskQueue: string;
  /** Of what Temporal keeps; the first encrypts. Undefined: nothing is encrypted. */
  payloadKeys: Secret<readonly RingKey[]> | undefined;
  logLevel: LogLevel;
}

/** What `dev` provides itself where it is not configured. */
interface Foundations {
  databaseUrl: Secret<string>;
  temporal: TemporalConfig;
  /** At least one; the first encrypts. */
  encryptionKeys: Secret<readonly RingKey[]>;
}

interface OutboundSettings {
  networkPolicy: NetworkPolicy;
  /** Without a trailing slash. */
  publicUrl: string;
}

interface WorkerSettings extends OutboundSettings {
  maxConcurrentActivities: number;
  /** Of its slots that one user's calls take at most. Undefined: a quarter. */
  maxCallsPerUser: number | undefined;
  /** Of its slots that calls to one server take at most. Undefined: three quarters. */
  maxCallsPerServer: number | undefined;
  /** Undefined: as many as the SDK finds room for. */
  maxCachedWorkflows: number | undefined;
  /** Results too large for Temporal's history are kept for so long. */
  resultRetentionDays: number;
  /** Disconnected credentials leave a row for so long, in which their versions go on. */
  tombstoneRetentionDays: number;
  /** Waiters without a sign of life for so long are looked after, and go if their steps have ended. */
  waiterRetentionDays: number;
  auditRetentionDays: number;
  /** Undefined: nobody is told of steps and connections. */
  webhooks: WebhookConfig | undefined;
  /** Undefined: without worker versioning. */
  deployment: WorkerDeployment | undefined;
}

interface ServerSettings extends OutboundSettings {
  host: string;
  /** 0: any free port. */
  port: number;
  /** How long `/health` says "draining", after SIGTERM, while everything is still served. */
  drainDelaySeconds: number;
  /** Origins (`https://app.example.com`) that `returnTo` may name. */
  returnOrigins: string[];
  /** Origins of Temporal's UI, whose pages may ask the codec endpoint. */
  codecOrigins: string[];
  /** The claim that is the user id. */
  jwtUserClaim: string;
}

type ProgramVariable =
  | 'LATCHKEY_CACHE'
  | 'XDG_CACHE_HOME'
  | 'TEMPORAL_CLI_PATH'
  | 'TEMPORAL_TEST_SERVER_PATH'
  | 'PATH';

/** For the servers that `dev` starts itself. */
interface EmbeddedSettings {
  /** Where it keeps its databases, keys and token. */
  dataDir: string;
  /** Where to find the Temporal and Postgres binaries. */
  programs: Partial<Record<ProgramVariable, string | undefined>>;
}

interface CallerSettings {
  jwt: JwtVerification;
}

type Optional<T> = { [Name in keyof T]: T[Name] | undefined };

/** One set of settings a role; secrets among them are `Secret`s. */
interface Settings {
  /** What works on the data itself: `migrate` and its like. */
  operator: CommonSettings & Foundations;
  worker: CommonSettings & Foundations & WorkerSettings;
  server: CommonSettings & Foundations & ServerSettings & CallerSettings;
  dev: CommonSettings &
    WorkerSettings &
    ServerSettings &
    Optional<Foundations & CallerSettings> &
    EmbeddedSettings;
}

export type Role = keyof Settings;

/** A role's settings and the version of this package. */
export type Config<R extends Role> = Settings[R] & { version: string };

export type OperatorConfig = Config<'operator'>;
export type WorkerConfig = Config<'worker'>;
export type ServerConfig = Config<'server'>;
/** As worker and server in one; what is undefined is for `dev` to start or generate. */
export type DevConfig = Config<'dev'>;

export type LoadedConfig<R extends Role> =
  | { ok: true; config: Config<R> }
  | { ok: false; problems: ConfigProblem[] };

/**
 * A role's configuration from the environment, or everything that is wrong with it at once. An empty
 * variable counts as unset. Problems name variables and never hold a value.
 */
export function loadConfig<R extends Role>(
  role: R,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfig<R> {
  const env = setVariables(environment);
  const parsed = schemas[role].safeParse(env);
  const problems = [...problemsOf(parsed.error), ...refuseUnavailable(env)];
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: { ...parsed.data, version: packageVersion() } };
}

const NETWORK_POLICIES = ['public', 'development'] as const;
const NETWORK_POLICY_HELP = 'public: https only; development: also http and loopback';
const ENCRYPTION_KEYS_HELP = 'id:base64,… of 32 bytes each; the first encrypts, all decrypt';
const PROGRAMS_HELP = [
  { name: 'TEMPORAL_CLI_PATH', meaning: "Temporal's CLI, for the server of its own", unset: 'looked for' },
  {
    name: 'LATCHKEY_CACHE',
    meaning: 'where downloaded programs are kept',
    unset: 'default ~/.cache/latchkey',
  },
];

const common = {
  databasePoolSize: variable(
    'DATABASE_POOL_SIZE',
    integer(1, 1000).prefault('10'),
    'database connections of a process',
  ),
  taskQueue: variable('TEMPORAL_TASK_QUEUE', text.default('mcp-steps'), 'where workers take tasks from'),
  payloadKeys: variable(
    'PAYLOAD_KEYS',
    encryptionKeys.optional(),
    'encrypts what Temporal keeps; the form of ENCRYPTION_KEYS',
  ),
  logLevel: variable('LOG_LEVEL', oneOf(LOG_LEVELS).default('info'), LOG_LEVELS.join(', ')),
};

const foundations = {
  databaseUrl: variable('DATABASE_URL', postgresUrl, 'Postgres, as a postgres:// URL'),
  temporal,
  encryptionKeys: variable('ENCRYPTION_KEYS', encryptionKeys, ENCRYPTION_KEYS_HELP),
};

const outbound = {
  networkPolicy: variable('NETWORK_POLICY', oneOf(NETWORK_POLICIES).default('public'), NETWORK_POLICY_HELP),
  publicUrl,
};

const worker = {
  maxConcurrentActivities: variable(
    'WORKER_MAX_CONCURRENT_ACTIVITIES',
    integer(1, 10_000).prefault('100'),
    'calls and renewals at once',
  ),
  maxCallsPerUser: variable(
    'WORKER_MAX_CALLS_PER_USER',
    integer(1, 10_000).optional(),
    "one user's calls at once",
    'a quarter of the activities',
  ),
  maxCallsPerServer: variable(
    'WORKER_MAX_CALLS_PER_SERVER',
    integer(1, 10_000).optional(),
    'calls to one server at once',
    'three quarters of the activities',
  ),
  maxCachedWorkflows: variable(
    'WORKER_MAX_CACHED_WORKFLOWS',
    integer(0, 1_000_000).optional(),
    'workflows in memory',
    'as the SDK finds room for',
  ),
  resultRetentionDays: variable(
    'RESULT_RETENTION_DAYS',
    integer(1, 3650).prefault('30'),
    'large results are kept so long',
  ),
  tombstoneRetentionDays: variable(
    'TOMBSTONE_RETENTION_DAYS',
    integer(1, 3650).prefault('30'),
    'rows of ended connections',
  ),
  waiterRetentionDays: variable(
    'WAITER_RETENTION_DAYS',
    integer(1, 365).prefault('7'),
    'waiters without a sign of life',
  ),
  auditRetentionDays: variable('AUDIT_RETENTION_DAYS', integer(1, 3650).prefault('400'), 'the audit log'),
};

const server = {
  host: variable('HOST', text.default('127.0.0.1'), 'the address to listen on'),
  port,
  drainDelaySeconds: variable(
    'DRAIN_DELAY_SECONDS',
    integer(0, 300).prefault('5'),
    '/health says draining so long after SIGTERM',
  ),
  returnOrigins,
  codecOrigins,
  jwtUserClaim: variable('JWT_USER_CLAIM', text.default('sub'), 'the claim that is the user id'),
};

const schemas: { [R in Role]: Part<Settings[R]> } = {
  operator: readAll({ ...common, ...foundations }),
  worker: readAll({
    ...common,
    ...foundations,
    ...outbound,
    ...worker,
    webhooks: webhooks('public'),
    deployment: workerDeployment,
  }),
  server: readAll({ ...common, ...foundations, ...outbound, ...server, jwt: jwtVerification }),
  dev: readAll({
    ...common,
    ...outbound,
    ...worker,
    ...server,
    databaseUrl: variable(
      'DATABASE_URL',
      postgresUrl.optional(),
      'Postgres, as a postgres:// URL',
      'embedded',
    ),
    temporal: optionalTemporal,
    encryptionKeys: variable('ENCRYPTION_KEYS', encryptionKeys.optional(), ENCRYPTION_KEYS_HELP, 'generated'),
    networkPolicy: variable(
      'NETWORK_POLICY',
      oneOf(NETWORK_POLICIES).default('development'),
      NETWORK_POLICY_HELP,
    ),
    webhooks: webhooks('development'),
    // A version runs nothing until it is made current: nobody would do that for a server of its own.
    deployment: part(() => undefined),
    jwt: optionalJwtVerification,
    dataDir: variable(
      'LATCHKEY_DATA_DIR',
      text.default('.latchkey'),
      'where it keeps databases, keys and token',
    ),
    programs: part(
      (env) => ({
        LATCHKEY_CACHE: env.LATCHKEY_CACHE,
        XDG_CACHE_HOME: env.XDG_CACHE_HOME,
        TEMPORAL_CLI_PATH: env.TEMPORAL_CLI_PATH,
        PATH: env.PATH,
      }),
      PROGRAMS_HELP,
    ),
  }),
};

/** The variables of a role, each once. Where two settings read one, the later one says how it is used. */
export function variablesOfRole(role: Role): VariableHelp[] {
  return [...new Map(variablesOf(schemas[role]).map((help) => [help.name, help])).values()];
}

function setVariables(environment: Readonly<Record<string, string | undefined>>): Environment {
  const set = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (entry[1] !== '' || isRemoval(entry[0])),
  );
  return Object.fromEntries(set);
}

/** Temporal reads an empty `TEMPORAL_GRPC_META_*` as: without the header that the profile names. */
function isRemoval(name: string): boolean {
  return name.startsWith('TEMPORAL_GRPC_META_');
}

/** Settings that depend on one variable each report it: once is enough. */
function problemsOf(error: z.ZodError | undefined): ConfigProblem[] {
  const problems = (error?.issues ?? []).map((issue) => ({
    variable: String(issue.path.at(-1)),
    problem: issue.message,
  }));
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
