import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleOptions } from '@temporalio/worker';

/** Modules that keep no state. */
const SHARED_MODULES = ['all-workflows', 'step/merge-signals', 'trace-headers'];

/**
 * Returns how the workflow code of a worker is bundled, from the source or the build that this file belongs to.
 *
 * `preloadModules` are loaded once per worker instead of once per workflow. That halves the CPU time that a workflow
 * adds to that of Temporal's SDK. The entry, `workflows/index`, is not among them: it runs once per workflow.
 *
 * @param stackTraces whether the errors and promises of workflows have stack traces. Without them, a worker does the
 *   same with less CPU and memory
 * @see https://typescript.temporal.io/api/interfaces/worker.BundleOptions
 */
export function workflowBundleOptions({ stackTraces }: { stackTraces: boolean }): BundleOptions & {
  payloadConverterPath: string;
  preloadModules: string[];
} {
  const preloaded = stackTraces ? SHARED_MODULES : ['without-stack-traces', ...SHARED_MODULES];
  return {
    workflowsPath: moduleOf('workflows/index'),
    payloadConverterPath: moduleOf('contracts/lenient-payload-converter'),
    preloadModules: preloaded.map((name) => moduleOf(`workflows/${name}`)),
  };
}

/** Returns the module that determines the failure converter of workflows whose payloads are encrypted. */
export function encryptingFailureConverterPath(): string {
  return moduleOf('contracts/encoding-failure-converter');
}

function moduleOf(path: string): string {
  return fileURLToPath(new URL(`../${path}${extname(import.meta.url)}`, import.meta.url));
}
