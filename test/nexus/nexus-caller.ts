import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, type WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import type { World } from '../support/world.ts';
import type { Answer, Call, callLatchkey } from './caller-workflows.ts';

const WORKFLOWS = fileURLToPath(new URL('caller-workflows.ts', import.meta.url));

/** An application in a namespace of its own, with an endpoint that leads to the world's worker. */
export interface NexusCaller {
  namespace: string;
  endpoint: string;
  client: Client;
  start(call: Omit<Call, 'endpoint'>): Promise<WorkflowHandle<typeof callLatchkey>>;
  call(call: Omit<Call, 'endpoint'>): Promise<Answer>;
  stop(): Promise<void>;
}

export interface NexusCallerOptions {
  /** Default: the caller encrypts nothing. */
  dataConverter?: DataConverter;
}

export async function createNexusCaller(
  world: World,
  { dataConverter = {} }: NexusCallerOptions = {},
): Promise<NexusCaller> {
  const namespace = await createTestNamespace([]);
  const endpoint = await createEndpoint(world);
  const { nativeConnection: connection, client: own } = world.temporal;
  const taskQueue = uniqueTaskQueue('nexus-callers');
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: WORKFLOWS,
    dataConverter,
  });
  const running = worker.run();
  const client = new Client({ connection: own.connection, namespace, dataConverter });
  const start: NexusCaller['start'] = (call) =>
    client.workflow.start<typeof callLatchkey>('callLatchkey', {
      taskQueue,
      workflowId: randomUUID(),
      args: [{ ...call, endpoint }],
    });
  return {
    namespace,
    endpoint,
    client,
    start,
    call: async (call) => (await start(call)).result(),
    async stop() {
      worker.shutdown();
      await running;
    },
  };
}

async function createEndpoint({ temporal, config }: World): Promise<string> {
  const name = uniqueTaskQueue('latchkey');
  await temporal.client.connection.operatorService.createNexusEndpoint({
    spec: { name, target: { worker: { namespace: temporal.namespace, taskQueue: config.taskQueue } } },
  });
  return name;
}
