import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/dev/embedded/postgres.ts';
import { findTemporalCli, findTemporalTestServer } from '../../src/dev/embedded/server-binaries.ts';
import { startTemporal } from '../../src/dev/embedded/temporal.ts';
import { sdkVersion } from '../../src/temporal/one-sdk.ts';
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
    /** The workflows, bundled once for all test files. */
    workflowBundlePath: string;
    /** What the projects of `vitest.config.ts` set; undefined: the SDK's default. */
    maxCachedWorkflows: number | undefined;
    /** The same for workers that encrypt payloads. */
    encryptingWorkflowBundlePath: string;
    /** What payloads are encrypted with in this run. Undefined, unless `LATCHKEY_TEST_PAYLOAD_KEYS` is `on`. */
    payloadKeys: RingKey[] | undefined;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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
    provideBuild(project),
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

/** Brings `dist` up to date: the workflows' bundles and the command line are tested as they ship. */
async function provideBuild(project: TestProject): Promise<Teardown> {
  await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'setup.mjs'), '--for', 'dev']);
  const bundle = (name: string) => join(ROOT, 'dist', `${name}-${sdkVersion()}.js`);
  project.provide('workflowBundlePath', bundle('workflow-bundle'));
  project.provide('encryptingWorkflowBundlePath', bundle('workflow-bundle-encrypting'));
  return async () => {};
}

function payloadKeys(): RingKey[] | undefined {
  if (process.env.LATCHKEY_TEST_PAYLOAD_KEYS !== 'on') return undefined;
  return [{ id: 'test-payloads', bytes: Uint8Array.from(randomBytes(32)) }];
}

function testServerPath(): string | undefined {
  const found = findTemporalTestServer(process.env);
  return found.kind === 'found' ? found.path : undefined;
}
