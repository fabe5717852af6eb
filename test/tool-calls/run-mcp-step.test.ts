import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure, type SearchAttributePair } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, describe, expect, vi } from 'vitest';
import type { InvoiceRun, invoiceRun } from '../../examples/invoice-run/workflows.ts';
import { mcpServerIdAttribute, mcpStepStatus } from '../../src/contracts/search-attributes.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace, testDataConverter, uniqueTaskQueue } from '../support/temporal.ts';
import type { TestWorker } from '../support/test-worker.ts';
import { withSource } from '../support/with-source.ts';
import type { World } from '../support/world.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/invoice-run/workflows.ts', import.meta.url));
const EXPORTED = fileURLToPath(new URL('../../src/workflow.ts', import.meta.url));

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));
let worker: TestWorker;
const taskQueue = uniqueTaskQueue('invoice-runs');

test.beforeAll(async ({ world }) => {
  worker = await startExampleWorker(world);
});

afterAll(async () => {
  await worker.stop();
});

/** It has no activities, and does not know Latchkey's: only its own workflow. */
async function startExampleWorker(world: World): Promise<TestWorker> {
  const { nativeConnection: connection, namespace } = world.temporal;
  const own = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: EXAMPLE,
    dataConverter: testDataConverter(),
    bundlerOptions: { webpackConfigHook: withSource('latchkey/workflow', EXPORTED) },
  });
  const running = own.run();
  return {
    async stop() {
      own.shutdown();
      await running;
    },
  };
}

interface Run {
  user: string;
  name: string;
  handle: WorkflowHandle<typeof invoiceRun>;
}

async function startRun(
  world: World,
  change: Partial<InvoiceRun> = {},
  typedSearchAttributes: SearchAttributePair[] = [],
): Promise<Run> {
  const user = change.userId ?? world.users.newUser();
  if (change.userId === undefined) await world.users.connect(user);
  const name = `run-${randomUUID()}`;
  const input: InvoiceRun = {
    name,
    userId: user,
    mcpServerId: world.mcpServerId,
    customer: 'ACME',
    amount: 42,
    tell: ['ann', 'bob', 'cid'],
    taskQueue: world.config.taskQueue,
    ...change,
  };
  const options = { taskQueue, workflowId: name, args: [input] as [InvoiceRun], typedSearchAttributes };
  const handle = await world.temporal.client.workflow.start<typeof invoiceRun>('invoiceRun', options);
  return { user, name, handle };
}

/** They come in no order. */
const messagesOf = (world: World, user: string) =>
  world.mcpServer
    .calls({ user, tool: 'send_message' })
    .map((call) => call.arguments.to)
    .sort();

const untilAllAsk = (world: World, { user, name }: Run) =>
  Promise.all([0, 1, 2].map((index) => world.steps.until(user, `${name}.tell-${index}`, 'awaiting-input')));

describe('steps in an application’s workflow', () => {
  test('run in sequence and in parallel with their own pauses and return typed results', async ({
    world,
  }) => {
    const run = await startRun(world);
    const { user, name, handle } = run;

    const asking = await untilAllAsk(world, run);
    expect(asking.map((step) => step.awaitingInputReason)).toEqual(Array(3).fill('needs-approval'));
    expect(world.mcpServer.calls({ user }).map(({ tool }) => tool)).toEqual([
      'create_invoice',
      'list_invoices',
    ]);

    expect(await world.steps.reject(user, `${name}.tell-1`, { reason: 'no' })).toMatchObject({
      kind: 'applied',
    });
    await world.steps.until(user, `${name}.tell-1`, 'skipped');
    expect(await world.steps.get(user, `${name}.tell-0`)).toMatchObject({ status: 'awaiting-input' });
    expect(messagesOf(world, user)).toEqual([]);
    for (const index of [2, 0]) {
      expect(await world.steps.approve(user, `${name}.tell-${index}`)).toMatchObject({ kind: 'applied' });
    }

    expect(await handle.result()).toMatchObject({
      invoice: { status: 'success', result: { structuredContent: { customer: 'ACME', amount: 42 } } },
      invoices: 1,
      told: ['success', 'skipped', 'success'],
    });
    expect(messagesOf(world, user)).toEqual(['ann', 'cid']);
  });

  test('are not started with a number that JSON can only change, and the result names it', async ({
    world,
  }) => {
    const user = world.users.newUser();
    const { name, handle } = await startRun(world, { userId: user, amount: 2 ** 53, tell: [] });

    expect(await handle.result()).toEqual({
      invoice: {
        status: 'error',
        error: {
          code: 'invalid-arguments',
          message: expect.stringMatching(/^arguments\.amount is an integer/),
        },
      },
      invoices: 0,
      told: [],
    });
    expect(await world.steps.get(user, `${name}.invoice`)).toBeUndefined();
  });

  test('pause and resume with their user’s credential while the workflow waits', async ({ world }) => {
    const user = world.users.newUser();
    const { name, handle } = await startRun(world, { userId: user, tell: [] });
    const paused = await world.steps.until(user, `${name}.invoice`, 'awaiting-input');
    expect(paused).toMatchObject({
      awaitingInputReason: 'needs-oauth-reauth',
      workflowId: stepWorkflowId(user, `${name}.invoice`),
    });

    await world.users.connect(user);

    expect(await handle.result()).toMatchObject({ invoice: { status: 'success' }, invoices: 1 });
  });

  test('are listed for their user like other steps', async ({ world }) => {
    const user = world.users.newUser();
    const { name, handle } = await startRun(world, { userId: user, tell: [] });
    await world.steps.until(user, `${name}.invoice`, 'awaiting-input');

    await vi.waitFor(
      async () => {
        const { steps } = await world.steps.list(user, { limit: 10 });
        expect(steps).toMatchObject([
          {
            stepId: `${name}.invoice`,
            tool: 'create_invoice',
            mcpServerId: 'ledger',
            status: 'awaiting-input',
          },
        ]);
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(await world.steps.get(world.users.newUser(), `${name}.invoice`)).toBeUndefined();
    await handle.cancel();
    await handle.result().catch(() => {});
  });

  test.for([
    ['carry the search attributes where the workflow carries one', true],
    ['carry none where it does not: the namespace may not have them', false],
  ] as const)('%s', async ([_what, parentHasOne], { world }) => {
    const user = world.users.newUser();
    const attributes = parentHasOne ? [{ key: mcpServerIdAttribute, value: 'any' }] : [];
    const { name, handle } = await startRun(world, { userId: user, tell: [] }, attributes);
    const { workflowId } = await world.steps.until(user, `${name}.invoice`, 'awaiting-input');

    const child = await world.temporal.client.workflow.getHandle(workflowId).describe();

    expect(child.typedSearchAttributes.get(mcpStepStatus)).toBe(parentHasOne ? 'awaiting-input' : undefined);
    expect(child.typedSearchAttributes.get(mcpServerIdAttribute)).toBe(parentHasOne ? 'ledger' : undefined);
    await handle.terminate();
  });

  test('are cancelled with the workflow, which learns of their end', async ({ world }) => {
    const run = await startRun(world);
    const { user, name, handle } = run;
    await untilAllAsk(world, run);

    await handle.cancel();

    const failure = await handle.result().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect(failure).toHaveProperty('cause', expect.any(CancelledFailure));
    for (const index of [0, 1, 2]) {
      // It waited for them: there is nothing to wait for here.
      expect(await world.steps.get(user, `${name}.tell-${index}`)).toMatchObject({ status: 'cancelled' });
    }
    expect(messagesOf(world, user)).toEqual([]);
  });

  test('are cancelled when the workflow is terminated', async ({ world }) => {
    const run = await startRun(world);
    await untilAllAsk(world, run);

    await run.handle.terminate();

    for (const index of [0, 1, 2])
      await world.steps.until(run.user, `${run.name}.tell-${index}`, 'cancelled');
  });
});
