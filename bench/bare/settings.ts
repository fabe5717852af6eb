import { z } from 'zod';
import { tokenStoreOptions } from '../variants/token-store.ts';

/** What the benchmark tells a bare worker, in the variable `BENCH_BARE_WORKER`. */
export const bareWorkerSettings = z.object({
  address: z.string(),
  namespace: z.string(),
  taskQueue: z.string(),
  /** The file of the bundled workflows. */
  bundle: z.string(),
  maxCachedWorkflows: z.number().optional(),
  /** For the workflows of `variants/`. */
  tokenStore: tokenStoreOptions.optional(),
  server: z.object({ url: z.string(), tokens: z.record(z.string(), z.string()) }),
});

export type BareWorkerSettings = z.infer<typeof bareWorkerSettings>;
