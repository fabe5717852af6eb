// Run in a process of its own: the activities of a worker, without workflows. The renewals of the users it is told
// of stand still at a fault point until the process is frozen and thawed, or lack a guard. Prints when one stands
// still and what comes of each.
import { once } from 'node:events';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { systemClock } from '../../../src/credentials/clock.ts';
import { createRenewal, type Renewal } from '../../../src/credentials/refresh/renewal.ts';
import type { RenewalOutcome } from '../../../src/credentials/refresh/renewal-outcome.ts';
import type { Db, Pool } from '../../../src/db/pool.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import type { GuardedFetch } from '../../../src/net/network.ts';
import { createDataConverter } from '../../../src/payloads/data-converter.ts';
import { createServices, type Services } from '../../../src/process/services.ts';
import { workerOptions } from '../../../src/process/worker-options.ts';
import { obstructed, STORE_RENEWAL } from '../../races/refresh/obstructed-db.ts';
import {
  EXTENSION,
  LEASE,
  type Removal,
  WRITE_BACK_FENCES,
  without,
} from '../../races/refresh/removed-guards.ts';
import { quietTemporal } from '../../support/quiet-temporal.ts';
import { readData, workerConfig } from './process-data.ts';

/** After the intent and before the first byte; after the answer; after the commit of the write-back. */
export type FaultPoint = 'before-sending' | 'before-write-back' | 'after-write-back';

export interface Fault {
  standStill?: FaultPoint;
  without?: 'lease' | 'extension' | 'fences' | 'veto';
  /** It has a connection of the database for itself as long as it waits for the answer. */
  keepsConnection?: boolean;
}

/** By user id. */
export type Faults = Record<string, Fault>;

/** A line on stdout. */
export type FaultReport =
  | { user: string; at: FaultPoint }
  | { user: string; outcome: RenewalOutcome }
  | 'ready';

const REMOVALS: Record<NonNullable<Fault['without']>, Removal[]> = {
  lease: LEASE,
  extension: EXTENSION,
  fences: WRITE_BACK_FENCES,
  veto: [],
};

quietTemporal();
const faults = readData<Faults>();
const config = workerConfig();
const logger = createLogger({ level: 'silent' });
const thawed = once(process, 'SIGCONT');
const connection = await NativeConnection.connect(config.temporal.connection.reveal());
const client = new Client({
  connection,
  namespace: config.temporal.namespace,
  dataConverter: createDataConverter(config.payloadKeys?.reveal()),
});
const services = createServices(config, client, logger);
const renewal = faultyRenewal(services);
const { workflowsPath: _, ...options } = workerOptions(config, connection, { ...services, renewal });
const worker = await Worker.create(options);
report('ready');
await worker.run();

function faultyRenewal(services: Services): Renewal {
  const renewals = new Map(
    Object.entries(faults).map(([user, fault]) => [user, renewalWith(services, user, fault)]),
  );
  return {
    async renew(key, seen) {
      const outcome = await (renewals.get(key.userId) ?? services.renewal).renew(key, seen);
      report({ user: key.userId, outcome });
      return outcome;
    },
    drain: services.renewal.drain,
    isDraining: services.renewal.isDraining,
  };
}

function renewalWith(services: Services, user: string, fault: Fault): Renewal {
  const { workflows, db, pool } = services;
  const guardedFetch = fault.keepsConnection
    ? keepingConnection(services.guardedFetch, pool)
    : services.guardedFetch;
  return createRenewal({
    ...services,
    clock: systemClock,
    db: faultyDb(db, user, fault),
    guardedFetch: faultyFetch(guardedFetch, user, fault),
    onRecovered: (key: CredentialKey, version) => workflows.startResumption(key, version),
  });
}

function faultyDb(db: Db, user: string, fault: Fault): Db {
  const removals = fault.without ? REMOVALS[fault.without] : [];
  return obstructed(without(removals, db), {
    part: STORE_RENEWAL,
    before: () => pass(user, fault, 'before-write-back'),
    after: () => pass(user, fault, 'after-write-back'),
  });
}

function faultyFetch(guardedFetch: GuardedFetch, user: string, fault: Fault): GuardedFetch {
  return async (url, { beforeFirstByte = () => {}, ...init }) => {
    await pass(user, fault, 'before-sending');
    return guardedFetch(url, fault.without === 'veto' ? init : { ...init, beforeFirstByte });
  };
}

function keepingConnection(guardedFetch: GuardedFetch, pool: Pool): GuardedFetch {
  return async (url, init) => {
    const kept = await pool.connect();
    try {
      return await guardedFetch(url, init);
    } finally {
      kept.release();
    }
  };
}

async function pass(user: string, { standStill }: Fault, point: FaultPoint): Promise<void> {
  if (standStill !== point) return;
  report({ user, at: point });
  await thawed;
}

function report(line: FaultReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
