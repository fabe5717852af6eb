import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BundlerPlugin, WorkerOptions, WorkerPlugin } from '@temporalio/worker';
import type { WorkerConfig } from '../config/load-config.ts';
import { sdkVersion } from '../temporal/one-sdk.ts';
import { workflowBundleOptions } from '../temporal/workflow-bundle-options.ts';

/**
 * Returns where a Worker finds the code of the workflows: in the bundle of `npm run build`, which is made with the SDK
 * of the build and has no stack traces. A Worker that wants stack traces, has another version of the SDK, or runs from
 * source (in tests) bundles the code at its start, like scripts/bundle-workflows.mjs.
 */
export function workflowCode({
  payloadKeys,
  stackTraces,
}: Pick<WorkerConfig, 'payloadKeys' | 'stackTraces'>): Pick<
  WorkerOptions,
  'workflowBundle' | 'workflowsPath' | 'bundlerOptions' | 'plugins'
> {
  const bundle = payloadKeys ? 'workflow-bundle-encrypting' : 'workflow-bundle';
  const codePath = fromRoot(`${bundle}-${sdkVersion()}.js`);
  if (!stackTraces && existsSync(codePath)) return { workflowBundle: { codePath } };
  const { workflowsPath, payloadConverterPath, preloadModules } = workflowBundleOptions({ stackTraces });
  const plugin: WorkerPlugin & BundlerPlugin = {
    name: 'latchkey-workflows',
    configureBundler: (own) => ({ ...own, payloadConverterPath }),
  };
  return { workflowsPath, bundlerOptions: { preloadModules }, plugins: [plugin] };
}

/** Of `src`, or of `dist`. */
function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
