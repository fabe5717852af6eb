import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, describe, expect, vi } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { testDataConverter, uniqueTaskQueue } from '../support/temporal.ts';
import type { TestWorker } from '../support/test-worker.ts';
import { withSource } from '../support/with-source.ts';
import type { World } from '../support/world.ts';
import type { ToolSetRun, useToolSet } from './ai-sdk-workflows.ts';

const WORKFLOWS = fileURLToPath(new URL('./ai-sdk-workflows.ts', import.meta.url));
const EXPORTED = fileURLToPath(new URL('../../src/ai-sdk.ts', import.meta.url));
const INVOICE = { customer: 'ACME', amount: 42 };

const test = testInWorld();
const taskQueue = uniqueTaskQueue('agents');
let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  // The same server under another name, so that the tools of two servers collide.
  await world.register('books', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
  worker = await startAgentWorker(world);
});

afterAll(() => worker.stop());

async function startAgentWorker({ temporal }: World): Promise<TestWorker> {
  const own = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    taskQueue,
    workflowsPath: WORKFLOWS,
    dataConverter: testDataConverter(),
    bundlerOptions: { webpackConfigHook: withSource('latchkey/ai-sdk', EXPORTED) },
  });
  const running = own.run();
  return {
    async stop() {
      own.shutdown();
      await running;
    },
  };
}

type Change = Omit<ToolSetRun, 'options'> & { options?: Partial<ToolSetRun['options']> };

function start(world: World, userId: string, change: Change): Promise<WorkflowHandle<typeof useToolSet>> {
  const servers = [{ mcpServerId: world.mcpServerId }];
  const options = { userId, servers, taskQueue: world.config.taskQueue, ...change.options };
  return world.temporal.client.workflow.start<typeof useToolSet>('useToolSet', {
    taskQueue,
    workflowId: `agent-${randomUUID()}`,
    args: [{ ...change, options }],
  });
}

async function connected(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

/** Resolves to the user's step that waits for a person, when there is one. */
function pausedStep(world: World, user: string): Promise<{ stepId: string }> {
  return vi.waitFor(
    async () => {
      const { steps } = await world.steps.list(user, { limit: 10 });
      const paused = steps.find(({ status }) => status === 'awaiting-input');
      if (paused === undefined) throw new Error(`no step is paused: ${JSON.stringify(steps)}`);
      return paused;
    },
    { timeout: 30_000, interval: 100 },
  );
}

describe.concurrent('the tool set of several servers', () => {
  test('has dynamic tools whose names say the server', async ({ world }) => {
    const user = await connected(world);
    await world.users.connect(user, { mcpServerId: 'books' });
    const run = await start(world, user, {
      options: { servers: [{ mcpServerId: 'ledger' }, { mcpServerId: 'books' }] },
      onlyTools: ['list_invoices', 'create_invoice'],
    });

    const { tools } = await run.result();

    expect(tools.map(({ name }) => name)).toEqual([
      'ledger_create_invoice',
      'ledger_list_invoices',
      'books_create_invoice',
      'books_list_invoices',
    ]);
    expect(tools[0]).toEqual({
      name: 'ledger_create_invoice',
      type: 'dynamic',
      description: 'Creates an invoice. Calling it twice creates two.',
      metadata: { mcpServerId: 'ledger', account: 'default', tool: 'create_invoice' },
      schema: expect.objectContaining({ type: 'object', required: ['customer', 'amount'] }),
    });
  });

  test('is refused by a code if the tools of a server cannot be listed', async ({ world }) => {
    const user = world.users.newUser();
    const run = await start(world, user, { options: { waitUntilConnected: false } });

    const failure = await run.result().catch((error: unknown) => error);

    if (!(failure instanceof WorkflowFailedError)) throw failure;
    if (!(failure.cause instanceof ApplicationFailure)) throw failure.cause;
    expect(failure.cause).toMatchObject({ type: 'McpToolsUnavailable', nonRetryable: true });
    expect(failure.cause.details).toMatchObject([{ mcpServerId: 'ledger', failure: { kind: 'auth' } }]);
    expect(failure.cause.message).toMatch(/ledger: needs-oauth-reauth, the user connects it at https:/);
  });

  test('leaves out a server that cannot be listed, and says which, if the agent wants that', async ({
    world,
  }) => {
    const user = await connected(world);
    const servers = [{ mcpServerId: 'books' }, { mcpServerId: 'ledger' }, { mcpServerId: 'unknown' }];
    const run = await start(world, user, {
      options: { servers, waitUntilConnected: false },
      onlyTools: ['list_invoices'],
      leaveOutUnavailable: true,
    });

    expect(await run.result()).toMatchObject({
      tools: [{ name: 'ledger_list_invoices' }],
      unavailable: [
        { mcpServerId: 'books', failure: { code: 'needs-oauth-reauth' }, connectUrl: expect.any(String) },
        { mcpServerId: 'unknown', failure: { code: 'unknown-server' } },
      ],
    });
  });
});

describe.concurrent('a server that is not connected, of an agent that does not wait', () => {
  test('has a tool by which the model gets the link, and its own tools in a later list', async ({
    world,
  }) => {
    const user = await connected(world);
    const options = {
      servers: [{ mcpServerId: 'books' }, { mcpServerId: 'ledger' }],
      onPause: 'return' as const,
    };
    const onlyTools = ['list_invoices'];
    const calls = [{ name: 'connect_books', input: {} }];
    const first = await (await start(world, user, { options, onlyTools, calls })).result();
    await world.users.connect(user, { mcpServerId: 'books' });
    const second = await (await start(world, user, { options, onlyTools })).result();

    expect(first.tools.map(({ name, metadata }) => ({ name, metadata }))).toEqual([
      {
        name: 'ledger_list_invoices',
        metadata: { mcpServerId: 'ledger', account: 'default', tool: 'list_invoices' },
      },
      { name: 'connect_books', metadata: { mcpServerId: 'books', account: 'default' } },
    ]);
    const link = /Give the user this link: https:\/\/\S+books /;
    expect(first.seen).toEqual([{ type: 'text', value: expect.stringMatching(link) }]);
    expect(second.tools.map(({ name }) => name)).toEqual(['books_list_invoices', 'ledger_list_invoices']);
  });

  test('still ends the agent if no link helps', async ({ world }) => {
    const user = await connected(world);
    const servers = [{ mcpServerId: 'books' }, { mcpServerId: 'unknown' }];
    const run = await start(world, user, { options: { servers, onPause: 'return' } });

    const failure = await run.result().catch((error: unknown) => error);

    if (!(failure instanceof WorkflowFailedError)) throw failure;
    expect(failure.cause).toMatchObject({ type: 'McpToolsUnavailable' });
    expect(failure.cause?.message).toMatch(/unknown: unknown-server/);
  });
});

describe.concurrent('a tool of the set', () => {
  test('runs once a call, also where the model repeats its ids of calls', async ({ world }) => {
    const user = await connected(world);
    const call = { name: 'ledger_create_invoice', input: INVOICE };
    const run = await start(world, user, { calls: [call, call] });

    const { seen } = await run.result();

    expect(seen).toEqual(
      Array(2).fill({
        type: 'text',
        value: expect.stringMatching(/^INV-\d+ over 42 for ACME\n\{"id":"INV-/),
      }),
    );
    expect(world.mcpServer.calls({ user })).toHaveLength(2);
  });

  test('tells the model of errors and does not end the agent', async ({ world }) => {
    const user = await connected(world);
    const run = await start(world, user, {
      calls: [
        { name: 'ledger_fail', input: { message: 'the printer is on fire' } },
        { name: 'ledger_create_invoice', input: { customer: 'ACME' } },
        { name: 'ledger_create_invoice', input: [INVOICE] },
      ],
    });

    expect((await run.result()).seen).toEqual([
      { type: 'error-text', value: expect.stringContaining('the printer is on fire') },
      { type: 'error-text', value: expect.stringContaining('expected number') },
      { type: 'error-text', value: 'The tool did not run. Its arguments have to be a JSON object.' },
    ]);
    expect(world.mcpServer.calls({ user }).map(({ tool }) => tool)).toEqual(['fail']);
  });

  test('asks by the mode of its server before the mode of all, and runs with the edit', async ({ world }) => {
    const user = await connected(world);
    const run = await start(world, user, {
      options: {
        servers: [
          { mcpServerId: 'ledger', modes: { tools: { create_invoice: 'automated-with-confirmation' } } },
        ],
        modes: { tools: { list_invoices: 'automated-with-confirmation' } },
      },
      calls: [
        { name: 'ledger_list_invoices', input: {} },
        { name: 'ledger_create_invoice', input: INVOICE },
      ],
    });

    const { stepId } = await pausedStep(world, user);
    await world.steps.approve(user, stepId, { arguments: { ...INVOICE, amount: 7 } });

    expect((await run.result()).seen).toMatchObject([
      { value: '0 invoices\n{"invoices":[]}' },
      { value: expect.stringContaining('over 7 for ACME') },
    ]);
  });

  test('that a person rejects is denied', async ({ world }) => {
    const user = await connected(world);
    const run = await start(world, user, {
      options: { modes: { default: 'automated-with-confirmation' } },
      calls: [{ name: 'ledger_create_invoice', input: INVOICE }],
    });

    const { stepId } = await pausedStep(world, user);
    await world.steps.reject(user, stepId, { reason: 'too much' });

    expect((await run.result()).seen).toEqual([
      { type: 'execution-denied', reason: expect.stringContaining('too much') },
    ]);
  });

  test('ends its step if the AI SDK aborts the call', async ({ world }) => {
    const user = await connected(world);
    const run = await start(world, user, {
      options: { modes: { default: 'automated-with-confirmation' } },
      calls: [{ name: 'ledger_create_invoice', input: INVOICE }],
    });

    const { stepId } = await pausedStep(world, user);
    await run.signal('abortCalls');

    expect((await run.result()).seen).toEqual(['cancelled']);
    expect(await world.steps.get(user, stepId)).toMatchObject({ status: 'cancelled' });
  });
});
