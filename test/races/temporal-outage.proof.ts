import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import { type EmbeddedTemporal, startTemporal } from '../../src/dev/embedded/temporal.ts';
import { openTemporalConnection } from '../../src/temporal/connection.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { type TestTemporal, testDataConverter } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';

let folder: string;
let port: number;
let server: EmbeddedTemporal;
let connection: Connection;
let world: World;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-temporal-'));
  port = await freePort();
  server = await startServer();
  world = await createWorld({ temporal: await connect() });
});

afterAll(async () => {
  await world.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

test('a deposit while Temporal is down is stored, and a reconciliation resumes the waiting steps', async () => {
  const user = world.users.newUser();
  const step = await startPaused(user);
  const deposit = await world.users.consent(user);
  await server.stop();

  const from = performance.now();
  const unavailable = expectUnavailable(user, step);
  const deposited = await world.users.deposit(user, deposit);
  const ms = performance.now() - from;
  await unavailable;
  server = await startServer();
  const { taskQueue } = world.config;
  const options = { taskQueue, workflowId: 'reconcile-now', args: [] };
  const reconciled = await world.temporal.client.workflow.execute('reconcile', options);

  expect(deposited).toMatchObject({ version: 1, resuming: 1 });
  // It does not wait for Temporal, which comes back only after it.
  expect(ms).toBeLessThan(15_000);
  expect(reconciled).toMatchObject({ resumptions: 1 });
  await expectResumed(user, step);
});

test('the schedule resumes the waiting steps within 60 s', async () => {
  const options = { taskQueue: world.config.taskQueue, logger: world.services.logger };
  await setUpTemporal(world.temporal.client, connection, options);
  const user = world.users.newUser();
  const step = await startPaused(user);
  await server.stop();

  await world.users.connect(user);
  server = await startServer();
  const from = performance.now();
  await expectResumed(user, step);

  expect(performance.now() - from).toBeLessThan(60_000);
}, 120_000);

async function startServer(): Promise<EmbeddedTemporal> {
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('No Temporal CLI: run `node scripts/setup.mjs --for test`.');
  return startTemporal({ binary: cli.path, port, dataFile: join(folder, 'temporal.db') });
}

async function connect(): Promise<TestTemporal> {
  quietTemporal();
  const { address, namespace } = server;
  const opened = openTemporalConnection({ address });
  connection = opened.connection;
  const nativeConnection = await NativeConnection.connect({ address });
  return {
    address,
    namespace,
    client: new Client({ connection, namespace, dataConverter: testDataConverter() }),
    nativeConnection,
    payloadKeys: inject('payloadKeys'),
    close: async () => {
      await Promise.all([opened.close(), nativeConnection.close()]);
    },
  };
}

async function startPaused(user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function expectUnavailable(user: string, { stepId }: StepView): Promise<void> {
  const { steps } = world;
  const attempts = [
    steps.get(user, stepId),
    steps.waitForChange(user, stepId, { timeoutMs: 1_000 }),
    steps.cancel(user, stepId),
    steps.list(user, { limit: 10 }),
    world.steps.start(user),
  ];
  for (const attempt of await Promise.allSettled(attempts)) {
    expect(attempt).toMatchObject({ status: 'rejected', reason: expect.any(TemporalUnavailable) });
  }
}

async function expectResumed(user: string, step: StepView): Promise<void> {
  await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
  expect(await world.steps.waiting(user)).toEqual([]);
}
