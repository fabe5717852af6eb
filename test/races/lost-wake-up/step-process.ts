// Run in a process of its own: a worker whose steps register as waiters only as fast as the test lets them.
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { callingWorkflowId } from '../../../src/activities/activity-context.ts';
import { createRegisterWaiter, type RegisterWaiterDependencies } from '../../../src/activities/waiters.ts';
import type { RegisterWaiterInput, RegisterWaiterOutcome } from '../../../src/contracts/activities.ts';
import { connectUrl } from '../../../src/contracts/urls.ts';
import { readConnection } from '../../../src/credentials/credential-store.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import { createDataConverter } from '../../../src/payloads/data-converter.ts';
import { createServices, type Services } from '../../../src/process/services.ts';
import { workerOptions } from '../../../src/process/worker-options.ts';
import { readData, workerConfig } from '../../integration/processes/process-data.ts';
import { quietTemporal } from '../../support/quiet-temporal.ts';
import { pauseAt, pausesKey, pausingBefore } from './pausing-queries.ts';

/** Where the registration of the step of a user's account pauses. */
export interface RegistrationPauses {
  beforeInsert: number;
  beforeRead: number;
  atEnd: number;
  /** The negative control: reads first and inserts then. */
  swapped: boolean;
}

/** By `pausesKey`. The registrations of other steps do not pause. */
export type PausesByKey = Record<string, RegistrationPauses>;

quietTemporal();
const pausesByKey = readData<PausesByKey>();
const config = workerConfig();
const connection = await NativeConnection.connect({ address: config.temporal.address });
const client = new Client({
  connection,
  namespace: config.temporal.namespace,
  dataConverter: createDataConverter(config.payloadKeys?.reveal()),
});
const services = createServices(config, client, createLogger({ level: 'silent' }));
const options = workerOptions(config, connection, services);
const worker = await Worker.create({
  ...options,
  activities: {
    ...options.activities,
    registerWaiter: createPausingRegistration(services, config.publicUrl),
  },
});
process.stdout.write('ready\n');
await worker.run();

function createPausingRegistration({ pool }: Services, publicUrl: string) {
  return async (input: RegisterWaiterInput): Promise<RegisterWaiterOutcome> => {
    const pauses = pausesByKey[pausesKey(input)];
    if (pauses === undefined) return createRegisterWaiter({ db: pool, publicUrl })(input);
    const db = pausingBefore(
      pool,
      [
        { fragment: 'INSERT INTO mcp_step_waiter', key: pauses.beforeInsert },
        { fragment: 'FROM mcp_server s', key: pauses.beforeRead },
      ],
      (key) => pauseAt(pool, key),
    );
    const create = pauses.swapped ? createSwappedRegisterWaiter : createRegisterWaiter;
    const outcome = await create({ db, publicUrl })(input);
    await pauseAt(pool, pauses.atEnd);
    return outcome;
  };
}

/** What `registerWaiter` must not be: a deposit between its read and its insert is seen by neither side. */
function createSwappedRegisterWaiter({ db, publicUrl }: RegisterWaiterDependencies) {
  return async ({
    userId,
    mcpServerId,
    stepId,
    seen,
  }: RegisterWaiterInput): Promise<RegisterWaiterOutcome> => {
    const key = { userId, mcpServerId };
    const connection = await readConnection(db, key);
    await registerWaiter(db, {
      ...key,
      workflowId: callingWorkflowId(),
      stepId,
      seenVersion: seen.credentialVersion,
    });
    const stored = connection?.credential.versions.credentialVersion ?? 0;
    return { wait: stored <= seen.credentialVersion, connectUrl: connectUrl(publicUrl, mcpServerId, stepId) };
  };
}
