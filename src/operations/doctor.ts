/**
 * `latchkey doctor`: checks what a worker and a server need, straight on Postgres and Temporal, so that it works when
 * the API does not. Changes nothing, takes a bounded time, and prints no secret.
 */
import type { Client } from '@temporalio/client';
import { closeWithin } from '../async/deadline.ts';
import { type Config, type ConfigProblem, type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { createLogger, type Logger } from '../logging/logger.ts';
import { createServices } from '../process/services.ts';
import { openTemporalConnection } from '../temporal/connection.ts';
import { openTemporalClient } from '../temporal/open-client.ts';
import { openKeys } from '../vault/boot-check/open-keys.ts';
import type { Check } from './doctor-check.ts';
import { checkPostgres } from './doctor-postgres.ts';
import { checkServers } from './doctor-servers.ts';
import { checkTemporal } from './doctor-temporal.ts';

export const DOCTOR_ROLES = ['worker', 'server'] as const;
export type DoctorRole = (typeof DOCTOR_ROLES)[number];

export interface DoctorOptions {
  /** Whose configuration this environment has. */
  roles: readonly DoctorRole[];
  environment: Readonly<Record<string, string | undefined>>;
}

const CLOSE_TIMEOUT_MS = 5_000;

/** Yields each check when it is done. */
export async function* runDoctor({ roles, environment }: DoctorOptions): AsyncGenerator<Check> {
  const loaded = roles.map((role) => ({ role, ...loadConfig(role, environment) }));
  yield* configurationChecks(loaded);
  const usable = loaded.find((one) => one.ok);
  if (usable?.ok) yield* checkSystems(usable.config);
  else yield* checkWithoutRole(environment);
}

type Loaded = { role: DoctorRole } & LoadedConfig<DoctorRole>;

function* configurationChecks(loaded: readonly Loaded[]): Generator<Check> {
  const rolesOf = new Map<string, DoctorRole[]>();
  for (const one of loaded) {
    const messages = one.ok ? ['complete'] : one.problems.map(problemText);
    for (const message of messages) rolesOf.set(message, [...(rolesOf.get(message) ?? []), one.role]);
  }
  for (const [message, roles] of rolesOf) {
    const status = message === 'complete' ? 'ok' : 'failed';
    yield { check: 'configuration', subject: roles.join(', '), status, message };
  }
}

function problemText({ variable, problem }: ConfigProblem): string {
  return `${variable} ${problem}`;
}

/** With a role's problem that concerns neither Postgres nor Temporal, these are still checked. */
async function* checkWithoutRole(environment: DoctorOptions['environment']): AsyncGenerator<Check> {
  const operator = loadConfig('operator', environment);
  if (!operator.ok) {
    for (const check of ['postgres', 'temporal', 'mcp-server'] as const) yield unconfigured(check);
    return;
  }
  yield* checkSystems(operator.config);
}

function unconfigured(check: Check['check']): Check {
  return { check, status: 'skipped', message: 'not checked: correct the configuration first' };
}

async function* checkSystems(config: Config<DoctorRole | 'operator'>): AsyncGenerator<Check> {
  const logger = createLogger({ level: 'silent' });
  const temporal = openTemporalConnection(config.temporal.connection.reveal());
  const client = openTemporalClient(temporal.connection, config);
  const opened = openKeys(config, logger);
  try {
    let isMigrated = false;
    for await (const check of checkPostgres(opened)) {
      isMigrated ||= check.check === 'migrations' && check.status === 'ok';
      yield check;
    }
    yield* checkTemporal({ ...config, client, connection: temporal.connection });
    if (!('networkPolicy' in config)) yield unconfigured('mcp-server');
    else if (isMigrated) yield* await checkServersOf(config, client, logger);
    else
      yield {
        check: 'mcp-server',
        status: 'skipped',
        message: 'not checked: they are registered in Postgres',
      };
  } finally {
    await closeWithin(CLOSE_TIMEOUT_MS, [opened.close, temporal.close]);
  }
}

async function checkServersOf(config: Config<DoctorRole>, client: Client, logger: Logger): Promise<Check[]> {
  const services = createServices(config, client, logger);
  try {
    return await checkServers({ ...services, ...config });
  } finally {
    await closeWithin(CLOSE_TIMEOUT_MS, [services.close]);
  }
}
