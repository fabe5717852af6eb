// Run in a process of its own: makes all the deposits at once, each only as fast as the test lets it, and prints
// the outcome of each on a line.
import { Client, Connection } from '@temporalio/client';
import type pg from 'pg';
import { depositCredential } from '../../../src/credentials/deposit/deposit-credential.ts';
import type { Pool } from '../../../src/db/pool.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import { createDataConverter } from '../../../src/payloads/data-converter.ts';
import { createServices, type Services } from '../../../src/process/services.ts';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import { readData, workerConfig } from '../../integration/processes/process-data.ts';
import { quietTemporal } from '../../support/quiet-temporal.ts';
import { pauseAt } from './pausing-queries.ts';

/** Where one deposit pauses. */
export interface DepositPauses {
  beforeCommit: number;
  beforeCount: number;
  atEnd: number;
}

export interface PausingDeposit {
  userId: string;
  deposit: Deposit;
  pauses: DepositPauses;
}

quietTemporal();
const deposits = readData<PausingDeposit[]>();
const config = workerConfig();
const connection = await Connection.connect({ address: config.temporal.address });
const client = new Client({
  connection,
  namespace: config.temporal.namespace,
  dataConverter: createDataConverter(config.payloadKeys?.reveal()),
});
const services = createServices(config, client, createLogger({ level: 'silent' }));
await Promise.all(deposits.map((deposit) => makeDeposit(services, deposit)));
await services.close();
await connection.close();

async function makeDeposit(services: Services, { userId, deposit, pauses }: PausingDeposit): Promise<void> {
  const outcome = await depositCredential(
    {
      ...services,
      pool: pausingPool(services.pool, pauses),
      refuseAddress: () => undefined,
      startResumption: services.workflows.startResumption,
    },
    userId,
    deposit,
  );
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

// The transaction's connection pauses before its COMMIT, the count of waiters before and after itself.
function pausingPool(pool: Pool, pauses: DepositPauses): Pool {
  const pausing = {
    connect: async () => pausingSession(await pool.connect(), () => pauseAt(pool, pauses.beforeCommit)),
    query: async (text: string, values: unknown[]) => {
      if (!text.includes('FROM mcp_waiter')) return pool.query(text, values);
      await pauseAt(pool, pauses.beforeCount);
      const answer = await pool.query(text, values);
      await pauseAt(pool, pauses.atEnd);
      return answer;
    },
  };
  // The cast leaves out what a deposit does not use of a pool.
  return pausing as unknown as Pool;
}

function pausingSession(session: pg.PoolClient, pause: () => Promise<void>) {
  return {
    query: async (text: string, values?: unknown[]) => {
      if (text === 'COMMIT') await pause();
      return session.query(text, values);
    },
    release: (error?: Error) => session.release(error),
  };
}
