import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { WorkerConfig } from '../../src/config.ts';
import type { Services } from '../../src/services.ts';
import { workerOptions } from '../../src/worker.ts';
import type { TestTemporal } from './temporal.ts';

export interface TestWorker {
  stop(): Promise<void>;
}

/** A worker in this process, with a grace time of 1 s. */
export async function startTestWorker(
  config: WorkerConfig,
  temporal: TestTemporal,
  services: Services,
): Promise<TestWorker> {
  const { workflowsPath, ...options } = workerOptions(config, temporal.nativeConnection, services);
  const worker = await Worker.create({
    ...options,
    ...(workflowsPath !== undefined && { workflowBundle: await bundleOf(workflowsPath) }),
    shutdownGraceTime: '1s',
  });
  const running = worker.run();
  return {
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    },
  };
}

// Once a test file, not once a worker.
const bundles = new Map<string, Promise<WorkflowBundleWithSourceMap>>();

function bundleOf(workflowsPath: string): Promise<WorkflowBundleWithSourceMap> {
  const known = bundles.get(workflowsPath);
  if (known !== undefined) return known;
  const bundle = bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR', () => {}) });
  bundles.set(workflowsPath, bundle);
  return bundle;
}
