import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import type { WorkerConfig } from '../../src/config/load-config.ts';
import type { Services } from '../../src/process/services.ts';
import { workerOptions } from '../../src/process/worker-options.ts';
import { startAnnouncing } from '../../src/worker.ts';
import type { TestTemporal } from './temporal.ts';

export interface TestWorker {
  stop(): Promise<void>;
}

export interface TestWorkerOptions {
  /** It runs workflows alone: activities are for others. */
  withoutActivities?: boolean;
}

/** A worker in this process, with a grace time of 1 s. */
export async function startTestWorker(
  config: WorkerConfig,
  temporal: TestTemporal,
  services: Services,
  { withoutActivities = false }: TestWorkerOptions = {},
): Promise<TestWorker> {
  const { workflowsPath: _, ...options } = workerOptions(config, temporal.nativeConnection, services);
  const worker = await Worker.create({
    ...options,
    ...(withoutActivities && { activities: {} }),
    workflowBundle: {
      codePath: inject(config.payloadKeys ? 'encryptingWorkflowBundlePath' : 'workflowBundlePath'),
    },
    shutdownGraceTime: '1s',
  });
  const running = worker.run();
  const announcer = startAnnouncing(config, services);
  return {
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
      await announcer?.stop();
    },
  };
}
