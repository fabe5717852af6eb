import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { BareWorkerSettings } from './bare/settings.ts';
import { BARE_QUEUE, type Undo } from './names.ts';
import type { TokenStoreOptions } from './variants/token-store.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../test/support/typescript.mjs', import.meta.url));
const BARE_WORKER = fileURLToPath(new URL('./bare/worker.ts', import.meta.url));
const BARE_WORKFLOWS = fileURLToPath(new URL('./bare/workflows.ts', import.meta.url));
const VARIANT_WORKFLOWS = fileURLToPath(new URL('./variants/workflows.ts', import.meta.url));

/** As deploy/Dockerfile sets it, and for bare workers too. Otherwise freed memory that glibc keeps would be compared. */
const AS_IN_THE_IMAGE = { MALLOC_ARENA_MAX: '2' };

export interface WorkerOptions {
  /** Default: the SDK decides by the available memory. */
  maxCachedWorkflows?: number;
}

interface BareWorkerOptions extends WorkerOptions {
  /** The worker runs the workflows of `variants/`, with these tokens. */
  tokenStore?: TokenStoreOptions;
}

interface Starting {
  environment: Readonly<Record<string, string>>;
  temporal: { address: string; namespace: string };
  folder: string;
  mcpUrl: string;
  profiles: string | undefined;
  undo: Undo;
}

export type Workers = ReturnType<typeof workersOf>;

/** How workers are started. All of them end with the world, if no phase ends them before. */
export function workersOf({ environment, temporal, folder, mcpUrl, profiles, undo }: Starting) {
  let started = 0;
  const bundles = new Map<string, Promise<string>>();
  const bundled = (workflows: string): Promise<string> => {
    const bundle =
      bundles.get(workflows) ?? bundleWorkflows(workflows, join(folder, `${bundles.size}.bundle.js`));
    bundles.set(workflows, bundle);
    return bundle;
  };
  const start = async (kind: string, args: string[], own: Record<string, string>): Promise<WorkerProcess> => {
    started += 1;
    const name = `${kind} worker ${started}`;
    const logFile = join(folder, `${kind}-worker-${started}.log`);
    const worker = await startWorkerProcess({
      name,
      args,
      environment: { ...own, ...AS_IN_THE_IMAGE },
      logFile,
      profiles,
    });
    undo.push(worker.stop);
    return worker;
  };
  return {
    /** `latchkey worker`, as built. */
    startStepWorker({ maxCachedWorkflows }: WorkerOptions = {}) {
      const cache = maxCachedWorkflows !== undefined && {
        WORKER_MAX_CACHED_WORKFLOWS: String(maxCachedWorkflows),
      };
      return start('step', [CLI, 'worker'], { ...environment, ...cache });
    },
    async startBareWorker(tokens: Record<string, string>, options: BareWorkerOptions = {}) {
      const workflows = options.tokenStore === undefined ? BARE_WORKFLOWS : VARIANT_WORKFLOWS;
      const settings: BareWorkerSettings = {
        ...temporal,
        ...options,
        taskQueue: BARE_QUEUE,
        bundle: await bundled(workflows),
        server: { url: mcpUrl, tokens },
      };
      return start('bare', ['--import', TYPESCRIPT, BARE_WORKER], {
        PATH: environment.PATH ?? '',
        BENCH_BARE_WORKER: JSON.stringify(settings),
      });
    },
  };
}

/** As `npm run build` bundles Latchkey's, so that neither worker does it at its start. */
async function bundleWorkflows(workflowsPath: string, file: string): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  await writeFile(file, code);
  return file;
}

/** `latchkey server`, as built. */
export async function startApi(options: {
  environment: Readonly<Record<string, string>>;
  folder: string;
  jwtSecret: string;
  port: number;
}): Promise<{ url: string; stop(): Promise<void> }> {
  const { environment, folder, jwtSecret, port } = options;
  const api = await startWorkerProcess({
    name: 'latchkey server',
    args: [CLI, 'server'],
    environment: {
      ...environment,
      JWT_SECRET: jwtSecret,
      PORT: String(port),
      DRAIN_DELAY_SECONDS: '0',
    },
    logFile: join(folder, 'server.log'),
  });
  return { url: `http://127.0.0.1:${port}`, stop: api.stop };
}
