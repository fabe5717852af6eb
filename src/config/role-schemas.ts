import { LOG_LEVELS } from '../logging/logger.ts';
import { codecOrigins, port, publicUrl, returnOrigins, trustedProxies } from './addresses.ts';
import { egressProxy } from './egress-proxy.ts';
import { encryptionKeys } from './encryption-keys.ts';
import { jwtVerification, optionalJwtVerification } from './jwt.ts';
import { metrics } from './metrics.ts';
import { oidc } from './oidc.ts';
import { type Part, part, readAll, variable } from './part.ts';
import { rateLimits } from './rate-limits.ts';
import type { Role, Settings } from './settings.ts';
import { optionalTemporal, temporal } from './temporal.ts';
import { traces } from './traces.ts';
import { integer, oneOf, postgresUrl, text } from './variables.ts';
import { webhooks } from './webhooks.ts';
import { workerDeployment } from './worker-deployment.ts';
import { workerTuning } from './worker-tuning.ts';

const NETWORK_POLICIES = ['public', 'development'] as const;
const NETWORK_POLICY_HELP = 'public: https only; development: also http and loopback';
const ON_OFF = ['on', 'off'] as const;
const ENCRYPTION_KEYS_HELP = 'id:base64,… of 32 bytes each; the first encrypts, all decrypt';
const PROGRAMS_HELP = [
  {
    name: 'TEMPORAL_CLI_PATH',
    meaning: "Temporal's CLI, which runs the embedded server",
    unset: 'searched for',
  },
  {
    name: 'LATCHKEY_CACHE',
    meaning: 'the folder of downloaded programs',
    unset: 'default ~/.cache/latchkey',
  },
];

const common = {
  databasePoolSize: variable(
    'DATABASE_POOL_SIZE',
    integer(1, 1000).prefault('10'),
    'database connections of a process',
  ),
  taskQueue: variable('TEMPORAL_TASK_QUEUE', text.default('mcp-steps'), 'the task queue that workers poll'),
  payloadKeys: variable(
    'PAYLOAD_KEYS',
    encryptionKeys.optional(),
    'encrypt what Temporal stores; same form as ENCRYPTION_KEYS',
  ),
  logLevel: variable('LOG_LEVEL', oneOf(LOG_LEVELS).default('info'), LOG_LEVELS.join(', ')),
  metrics,
  traces,
};

const backingServices = {
  databaseUrl: variable('DATABASE_URL', postgresUrl, 'Postgres, as a postgres:// URL'),
  temporal,
  encryptionKeys: variable('ENCRYPTION_KEYS', encryptionKeys, ENCRYPTION_KEYS_HELP),
};

const outbound = {
  networkPolicy: variable('NETWORK_POLICY', oneOf(NETWORK_POLICIES).default('public'), NETWORK_POLICY_HELP),
  egressProxy,
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
    'the SDK decides by the available memory',
  ),
  tuning: workerTuning,
  stackTraces: variable(
    'WORKER_STACK_TRACES',
    oneOf(ON_OFF)
      .default('off')
      .transform((word) => word === 'on'),
    'on: errors of workflows have stack traces',
    'default off',
  ),
  resultRetentionDays: variable(
    'RESULT_RETENTION_DAYS',
    integer(1, 3650).prefault('30'),
    'days that large results are stored',
  ),
  tombstoneRetentionDays: variable(
    'TOMBSTONE_RETENTION_DAYS',
    integer(1, 3650).prefault('30'),
    'days that rows of ended connections are stored',
  ),
  waiterRetentionDays: variable(
    'WAITER_RETENTION_DAYS',
    integer(1, 365).prefault('7'),
    'days until an unconfirmed waiter is checked',
  ),
  auditRetentionDays: variable(
    'AUDIT_RETENTION_DAYS',
    integer(1, 3650).prefault('400'),
    'days that the audit log is stored',
  ),
};

const server = {
  host: variable('HOST', text.default('127.0.0.1'), 'the address to listen on'),
  port,
  drainDelaySeconds: variable(
    'DRAIN_DELAY_SECONDS',
    integer(0, 300).prefault('5'),
    'seconds that /health reports draining after SIGTERM before it closes',
  ),
  returnOrigins,
  codecOrigins,
  trustedProxies,
  rateLimits,
  jwtUserClaim: variable('JWT_USER_CLAIM', text.default('sub'), 'the claim that is the user id'),
};

/** Reads each role's settings from the environment. */
export const roleSchemas: { [R in Role]: Part<Settings[R]> } = {
  operator: readAll({ ...common, ...backingServices }),
  worker: readAll({
    ...common,
    ...backingServices,
    ...outbound,
    ...worker,
    webhooks: webhooks('public'),
    deployment: workerDeployment,
  }),
  server: readAll({
    ...common,
    ...backingServices,
    ...outbound,
    ...server,
    jwt: jwtVerification,
    oidc: oidc('public'),
  }),
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
    // A version of a deployment takes no tasks until it is made current, and `dev` does not do that.
    deployment: part(() => undefined),
    jwt: optionalJwtVerification,
    oidc: oidc('development'),
    dataDir: variable(
      'LATCHKEY_DATA_DIR',
      text.default('.latchkey'),
      'the folder of databases, keys and token',
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
