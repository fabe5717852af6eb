import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/embedded/postgres.ts';
import { findTemporalCli, findTemporalTestServer } from '../../src/embedded/server-binaries.ts';
import { startTemporal } from '../../src/embedded/temporal.ts';
import { dropDatabasesOfRun } from './database-template.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a superuser; tests make databases of their own beside it. */
    adminDatabaseUrl: string;
    temporalAddress: string;
    temporalNamespace: string;
    /** The time-skipping test server's program. */
    testServerPath: string | undefined;
    /** Part of the names of everything this run creates on servers that it shares. */
    testRunId: string;
    /** The code of the workflows, bundled from source once for all test files. */
    workflowBundlePath: string;
    /** What the projects of `vitest.config.ts` set; undefined: the SDK's default. */
    maxCachedWorkflows: number | undefined;
  }
}

type Teardown = () => Promise<void>;

/** One Postgres and one Temporal dev server for the whole run, or those that the environment names. */
export default async function setup(project: TestProject): Promise<Teardown> {
  const testRunId = randomBytes(4).toString('hex');
  project.provide('testRunId', testRunId);
  project.provide('testServerPath', testServerPath());
  const started = await Promise.allSettled([
    providePostgres(project, testRunId),
    provideTemporal(project),
    provideWorkflowBundle(project),
  ]);
  const teardown = async () => {
    await Promise.all(started.map((part) => (part.status === 'fulfilled' ? part.value() : undefined)));
  };
  const failed = started.find((part) => part.status === 'rejected');
  if (failed === undefined) return teardown;
  await teardown();
  throw failed.reason;
}

async function providePostgres(project: TestProject, testRunId: string): Promise<Teardown> {
  const configured = process.env.DATABASE_URL;
  if (configured) {
    project.provide('adminDatabaseUrl', configured);
    return () => dropDatabasesOfRun(configured, testRunId);
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  const postgres = await startPostgres({ dataDir, persistent: false });
  project.provide('adminDatabaseUrl', postgres.url);
  return () => postgres.stop();
}

async function provideTemporal(project: TestProject): Promise<Teardown> {
  const configured = process.env.TEMPORAL_ADDRESS;
  if (configured) {
    project.provide('temporalAddress', configured);
    project.provide('temporalNamespace', process.env.TEMPORAL_NAMESPACE || 'default');
    return async () => {};
  }
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('No Temporal CLI: run `node scripts/setup.mjs --for test`.');
  const temporal = await startTemporal({ binary: cli.path });
  project.provide('temporalAddress', temporal.address);
  project.provide('temporalNamespace', temporal.namespace);
  return () => temporal.stop();
}

async function provideWorkflowBundle(project: TestProject): Promise<Teardown> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    payloadConverterPath: fileURLToPath(
      new URL('../../src/contracts/lenient-payload-converter.ts', import.meta.url),
    ),
    logger: new DefaultLogger('ERROR', () => {}),
  });
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-workflows-'));
  const path = join(folder, 'workflow-bundle.js');
  await writeFile(path, code);
  project.provide('workflowBundlePath', path);
  return () => rm(folder, { recursive: true, force: true });
}

function testServerPath(): string | undefined {
  const found = findTemporalTestServer(process.env);
  return found.kind === 'found' ? found.path : undefined;
}
