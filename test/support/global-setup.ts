import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/dev/embedded/postgres.ts';
import { findTemporalCli, findTemporalTestServer } from '../../src/dev/embedded/server-binaries.ts';
import { startTemporal } from '../../src/dev/embedded/temporal.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
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
    /** The same for workers that encrypt payloads. */
    encryptingWorkflowBundlePath: string;
    /** What payloads are encrypted with in this run. Undefined, unless `LATCHKEY_TEST_PAYLOAD_KEYS` is `on`. */
    payloadKeys: RingKey[] | undefined;
  }
}

type Teardown = () => Promise<void>;

/** One Postgres and one Temporal dev server for the whole run, or those that the environment names. */
export default async function setup(project: TestProject): Promise<Teardown> {
  const testRunId = randomBytes(4).toString('hex');
  project.provide('testRunId', testRunId);
  project.provide('testServerPath', testServerPath());
  project.provide('payloadKeys', payloadKeys());
  const started = await Promise.allSettled([
    providePostgres(project, testRunId),
    provideTemporal(project),
    provideWorkflowBundles(project),
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

async function provideWorkflowBundles(project: TestProject): Promise<Teardown> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-workflows-'));
  const plain = join(folder, 'workflow-bundle.js');
  const encrypting = join(folder, 'workflow-bundle-encrypting.js');
  await writeFile(plain, await bundle({}));
  const failureConverterPath = sourceFile('contracts/encoding-failure-converter.ts');
  await writeFile(encrypting, await bundle({ failureConverterPath }));
  project.provide('workflowBundlePath', plain);
  project.provide('encryptingWorkflowBundlePath', encrypting);
  return () => rm(folder, { recursive: true, force: true });
}

async function bundle(options: { failureConverterPath?: string }): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: sourceFile('workflows/index.ts'),
    payloadConverterPath: sourceFile('contracts/lenient-payload-converter.ts'),
    ...options,
    logger: new DefaultLogger('ERROR', () => {}),
  });
  return code;
}

function sourceFile(path: string): string {
  return fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
}

function payloadKeys(): RingKey[] | undefined {
  if (process.env.LATCHKEY_TEST_PAYLOAD_KEYS !== 'on') return undefined;
  return [{ id: 'test-payloads', bytes: Uint8Array.from(randomBytes(32)) }];
}

function testServerPath(): string | undefined {
  const found = findTemporalTestServer(process.env);
  return found.kind === 'found' ? found.path : undefined;
}
