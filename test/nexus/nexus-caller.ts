import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, type WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import type { World } from '../support/world.ts';
import type { Answer, Call, callLatchkey } from './caller-workflows.ts';

const WORKFLOWS = fileURLToPath(new URL('caller-workflows.ts', import.meta.url));

/** An application in a namespace of its own, with an endpoint that leads to the world's worker. */
export interface NexusCaller {
  namespace: string;
  endpoint: string;
  start(call: OwnCall): Promise<WorkflowHandle<typeof callLatchkey>>;
  call(call: OwnCall): Promise<Answer>;
  /** Stops the caller's worker and starts another one. */
  restart(dataConverter: DataConverter): Promise<void>;
  stop(): Promise<void>;
}

type OwnCall = Omit<Call, 'endpoint'>;

/** @param dataConverter default: the caller encrypts nothing */
export async function createNexusCaller(
  world: World,
  dataConverter: DataConverter = {},
): Promise<NexusCaller> {
  const namespace = await createTestNamespace([]);
  const endpoint = await createEndpoint(world);
  const taskQueue = uniqueTaskQueue('nexus-callers');
  const { nativeConnection, client: ofWorld } = world.temporal;
  const workerOf = (dataConverter: DataConverter) =>
    startWorker({ connection: nativeConnection, namespace, taskQueue, dataConverter });
  let stopWorker = await workerOf(dataConverter);
  const client = new Client({ connection: ofWorld.connection, namespace, dataConverter });
  const start: NexusCaller['start'] = (call) =>
    client.workflow.start<typeof callLatchkey>('callLatchkey', {
      taskQueue,
      workflowId: randomUUID(),
      args: [{ ...call, endpoint }],
    });
  return {
    namespace,
    endpoint,
    start,
    call: async (call) => (await start(call)).result(),
    async restart(dataConverter) {
      await stopWorker();
      stopWorker = await workerOf(dataConverter);
    },
    stop: () => stopWorker(),
  };
}

async function startWorker(options: WorkerOptions): Promise<() => Promise<void>> {
  const worker = await Worker.create({ ...options, workflowsPath: WORKFLOWS });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

async function createEndpoint({ temporal, config }: World): Promise<string> {
  const name = uniqueTaskQueue('latchkey');
  await temporal.client.connection.operatorService.createNexusEndpoint({
    spec: { name, target: { worker: { namespace: temporal.namespace, taskQueue: config.taskQueue } } },
  });
  return name;
}
