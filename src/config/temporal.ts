import { devNull } from 'node:os';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { z } from 'zod';
import {
  type ClientConfigProfile,
  type ClientConnectConfig,
  loadClientConfigProfile,
  toClientOptions,
} from './envconfig.ts';
import { type Environment, part, type Report, type VariableHelp } from './part.ts';
import { Secret } from './secret.ts';
import { temporalProblem } from './temporal-problem.ts';
import { text } from './variables.ts';

/** The options that `Connection.connect` and `NativeConnection.connect` have in common. */
export type TemporalConnection = Pick<NativeConnectionOptions, 'address' | 'apiKey' | 'tls' | 'metadata'>;

export interface TemporalConfig {
  address: string;
  namespace: string;
  /** The address again, with API key, client certificate and headers. */
  connection: Secret<TemporalConnection>;
}

const LOCATING = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'];
const SWITCHES = ['TEMPORAL_TLS', 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION'];

/**
 * Reads Temporal's own environment configuration: variables, which override a profile of the configuration file.
 *
 * @see https://docs.temporal.io/develop/environment-configuration
 */
export const temporal = part(readTemporal, temporalHelp('default localhost:7233'));

/**
 * The same, if a variable names a cluster. Otherwise undefined, without reading the configuration file in the home
 * directory, whose default profile may be production.
 */
export const optionalTemporal = part((env, report): TemporalConfig | undefined => {
  if (LOCATING.some((name) => env[name] !== undefined)) return readTemporal(env, report);
  for (const name of Object.keys(env).filter(isClusterSetting)) {
    report(name, 'needs TEMPORAL_ADDRESS: without it, a Temporal server of its own is started');
  }
  return undefined;
}, temporalHelp('embedded'));

function temporalHelp(unset: string): VariableHelp[] {
  return [
    { name: 'TEMPORAL_ADDRESS', meaning: 'host:port of the cluster', unset },
    { name: 'TEMPORAL_NAMESPACE', meaning: 'the namespace', unset: 'default default' },
    { name: 'TEMPORAL_API_KEY', meaning: 'an API key', unset: 'off' },
    {
      name: 'TEMPORAL_TLS_*',
      meaning: "TLS, as Temporal's environment configuration reads it",
      unset: 'off',
    },
    { name: 'TEMPORAL_PROFILE', meaning: 'a profile of the configuration file', unset: 'default default' },
    { name: 'TEMPORAL_CONFIG_FILE', meaning: 'the path of that file', unset: "Temporal's default path" },
  ];
}

function readTemporal(env: Environment, report: Report): TemporalConfig {
  const loaded = load(withValidSwitches(env, report), report);
  if (loaded === undefined) return z.NEVER;
  checkClientCertificate(loaded.profile, env, report);
  const address = check('TEMPORAL_ADDRESS', addressSchema, loaded.profile.address, report);
  const namespace = check('TEMPORAL_NAMESPACE', namespaceSchema, loaded.profile.namespace, report);
  check('TEMPORAL_API_KEY', apiKeySchema, loaded.profile.apiKey, report);
  return { address, namespace, connection: new Secret(connectionOf(loaded.options, address)) };
}

interface Loaded {
  profile: ClientConfigProfile;
  options: ClientConnectConfig;
}

const addressSchema = z
  .string('must be text')
  .regex(/^(\[[0-9a-f:.]+\]|[^\s:/@[\]]+)(:\d{1,5})?$/i, 'must have the form host:port')
  .prefault('localhost:7233');
const namespaceSchema = text.prefault('default');
const apiKeySchema = z
  .string('must be text')
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
  .optional();

/** Checks a value of the profile: it comes from the environment or from a file, which the SDK does not check. */
function check<T>(variable: string, schema: z.ZodType<T>, value: unknown, report: Report): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) report(variable, issue.message);
  return z.NEVER;
}

/** Leaves out properties that the SDK sets to undefined: they would override a connection's defaults. */
function connectionOf({ connectionOptions }: ClientConnectConfig, address: string): TemporalConnection {
  const { apiKey, tls, metadata } = connectionOptions;
  return {
    address,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(tls === undefined ? {} : { tls }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function isClusterSetting(name: string): boolean {
  return name === 'TEMPORAL_NAMESPACE' || name === 'TEMPORAL_API_KEY' || /^TEMPORAL_TLS(_|$)/.test(name);
}

/**
 * Reports switches that the SDK would misread, and leaves them out. The SDK reads any word but `1` and `true` as no,
 * and can't skip host verification.
 */
function withValidSwitches(env: Environment, report: Report): Environment {
  const problems = SWITCHES.flatMap((name) => {
    const problem = switchProblem(name, env[name]);
    return problem === undefined ? [] : [{ name, problem }];
  });
  for (const { name, problem } of problems) report(name, problem);
  return problems.reduce((rest, { name }) => without(rest, name), env);
}

function switchProblem(name: string, value: string | undefined): string | undefined {
  const off = value === undefined || value === '0' || value === 'false';
  if (off) return undefined;
  if (value !== '1' && value !== 'true') return 'must be true or false';
  return name === 'TEMPORAL_TLS' ? undefined : 'is not supported: set TEMPORAL_TLS_SERVER_NAME instead';
}

/**
 * Leaves out what the SDK refused and loads again, because the SDK stops at the first error. The null device means no
 * file: the SDK refuses one without a profile.
 */
function load(
  env: Environment,
  report: Report,
  disableFile = env.TEMPORAL_CONFIG_FILE === devNull,
): Loaded | undefined {
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars: env, disableFile });
    return { profile, options: toClientOptions(profile) };
  } catch (error) {
    const { variable, problem } = temporalProblem(error, env);
    report(variable, problem);
    if (variable === 'TEMPORAL_CONFIG_FILE') return disableFile ? undefined : load(env, report, true);
    return env[variable] === undefined ? undefined : load(without(env, variable), report, disableFile);
  }
}

function without(env: Environment, name: string): Environment {
  return Object.fromEntries(Object.entries(env).filter(([other]) => other !== name));
}

/** Refuses a certificate without a key, or a key without a certificate: the SDK would silently ignore it. */
function checkClientCertificate({ tls }: ClientConfigProfile, env: Environment, report: Report): void {
  // A path that can't be read is reported elsewhere, and is missing from the profile.
  const certificate = tls?.clientCert ?? env.TEMPORAL_TLS_CLIENT_CERT_PATH;
  const key = tls?.clientKey ?? env.TEMPORAL_TLS_CLIENT_KEY_PATH;
  if (tls?.disabled || (certificate === undefined) === (key === undefined)) return;
  if (key === undefined) report('TEMPORAL_TLS_CLIENT_KEY_PATH', 'is required beside a client certificate');
  else report('TEMPORAL_TLS_CLIENT_CERT_PATH', 'is required beside a client key');
}
