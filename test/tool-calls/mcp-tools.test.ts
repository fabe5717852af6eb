import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, describe, expect, vi } from 'vitest';
import type { McpToolsInput, McpToolsResult } from '../../src/contracts/mcp-tools.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { listAwaitedConnections } from '../../src/credentials/waiters/awaited-connections.ts';
import { waitingStepsOf } from '../../src/credentials/waiters/count-waiters.ts';
import { executionsOfUser } from '../../src/operations/executions-of-user.ts';
import { rpcResult } from '../support/scripted-mcp-server.ts';
import { testDataConverter, uniqueTaskQueue } from '../support/temporal.ts';
import { withSource } from '../support/with-source.ts';
import type { World } from '../support/world.ts';
import type { AgentRun, agentRun } from './agent-run.ts';
import { stepDeliveries, testWithReceiver } from './webhook-fixture.ts';

const OWN = fileURLToPath(new URL('./agent-run.ts', import.meta.url));
const EXPORTED = fileURLToPath(new URL('../../src/workflow.ts', import.meta.url));
const UNTIL = { timeout: 20_000, interval: 50 };

const test = testWithReceiver();
const taskQueue = uniqueTaskQueue('agent-runs');
let stopOwnWorker = async () => {};

test.beforeAll(async ({ world }) => {
  await world.startWorker();
  await world.register('crm', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
  stopOwnWorker = await startOwnWorker(world);
});

afterAll(() => stopOwnWorker());

async function startOwnWorker(world: World): Promise<() => Promise<void>> {
  const { nativeConnection: connection, namespace } = world.temporal;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: OWN,
    dataConverter: testDataConverter(),
    // The package's name leads to what was built, which may be older than what is tested.
    bundlerOptions: { webpackConfigHook: withSource('latchkey/workflow', EXPORTED) },
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

function startRun(world: World, list: McpToolsInput, change: Partial<AgentRun> = {}) {
  const run = { list, taskQueue: world.config.taskQueue, searchAttributes: true, ...change };
  const options = { taskQueue, workflowId: `run-${randomUUID()}`, args: [run] as [AgentRun] };
  return world.temporal.client.workflow.start<typeof agentRun>('agentRun', options);
}

const BOTH = [{ mcpServerId: 'ledger' }, { mcpServerId: 'crm' }];
const waiting = (userId: string, listId: string): McpToolsInput => ({
  userId,
  servers: BOTH,
  waitUntilConnected: true,
  listId,
});

const toolsIn = ({ servers }: McpToolsResult) =>
  servers.map((server) => ('tools' in server ? server.tools.map(({ name }) => name) : server.failure.code));

describe('a listing of two servers that the user has not connected', () => {
  test('waits for both, is shown like a step, and goes on by itself', async ({ world, api, receiver }) => {
    const user = world.users.newUser();
    const listId = `list-${randomUUID()}`;
    const run = await startRun(world, waiting(user, listId));

    const paused = await world.steps.until(user, listId, 'awaiting-input');
    const url = (server: string) => `https://latchkey.example/connect/${server}?step=${listId}`;
    const links = BOTH.map(({ mcpServerId }) => ({
      mcpServerId,
      account: 'default',
      connectUrl: url(mcpServerId),
    }));
    expect(paused).toMatchObject({
      kind: 'listing',
      workflowId: stepWorkflowId(user, listId),
      title: 'List the tools of ledger and crm',
      mcpServerId: 'ledger',
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'not-connected',
      connectUrl: url('ledger'),
      connections: links,
    });
    await vi.waitFor(async () => {
      const { body } = await api.ask(user, 'GET /steps?status=awaiting-input');
      expect(body).toMatchObject({
        steps: [
          { stepId: listId, kind: 'listing', title: paused.title, tool: '', connectUrl: url('ledger') },
        ],
      });
    }, UNTIL);
    expect(await api.ask(user, `GET /steps/${listId}`)).toMatchObject({
      status: 200,
      body: { kind: 'listing', connections: links },
    });
    expect(await api.ask(user, `POST /steps/${listId}/approve`, {})).toMatchObject({ status: 409 });
    expect(await api.ask(user, `POST /steps/${listId}/resolve`, { action: 'retry' })).toMatchObject({
      status: 409,
    });
    const awaited = await listAwaitedConnections(world.services.db, user);
    expect(awaited.map(({ mcpServerId }) => mcpServerId).sort()).toEqual(['crm', 'ledger']);
    for (const { mcpServerId } of BOTH) {
      expect(await waitingStepsOf(world.services.db, { userId: user, mcpServerId }, 10)).toEqual({
        count: 1,
        stepIds: [listId],
      });
    }
    const ofSteps = await world.services.db.query('SELECT FROM mcp_step_waiter WHERE user_id = $1', [user]);
    expect(ofSteps.rowCount).toBe(0);

    expect((await world.users.connect(user)).resuming).toBe(1);
    await vi.waitFor(async () => {
      expect(await world.steps.get(user, listId)).toMatchObject({
        status: 'awaiting-input',
        mcpServerId: 'crm',
        connectUrl: url('crm'),
        connections: [links[1]],
      });
    }, UNTIL);
    expect((await listAwaitedConnections(world.services.db, user)).map((one) => one.mcpServerId)).toEqual([
      'crm',
    ]);

    expect((await world.users.connect(user, { mcpServerId: 'crm' })).resuming).toBe(1);
    const tools = toolsIn(await run.result());
    expect(tools[0]).toContain('create_invoice');
    expect(tools[1]).toEqual(tools[0]);
    expect(await world.steps.get(user, listId)).toMatchObject({ kind: 'listing', status: 'success' });
    expect(await world.steps.waiting(user)).toEqual([]);
    await vi.waitFor(
      () =>
        expect(stepDeliveries(receiver, user).map(({ payload }) => payload)).toMatchObject([
          { type: 'step.awaiting_input', data: { mcpServerId: 'ledger', connections: links } },
          { type: 'step.awaiting_input', data: { mcpServerId: 'crm', connections: [links[1]] } },
          { type: 'step.finished', data: { stepId: listId, status: 'success' } },
        ]),
      UNTIL,
    );
  });

  test('asks for the one that is missing, if the other was connected before', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const listId = randomUUID();
    const run = await startRun(world, waiting(user, listId), { searchAttributes: false });

    const paused = await world.steps.until(user, listId, 'awaiting-input');
    expect(paused.connections?.map(({ mcpServerId }) => mcpServerId)).toEqual(['crm']);
    await world.users.connect(user, { mcpServerId: 'crm' });

    expect(toolsIn(await run.result()).every(Array.isArray)).toBe(true);
  });

  test('is cancelled with its parent, and waits no more', async ({ world }) => {
    const user = world.users.newUser();
    const listId = randomUUID();
    const run = await startRun(world, waiting(user, listId));
    await world.steps.until(user, listId, 'awaiting-input');

    await run.cancel();
    await expect(run.result()).rejects.toThrow();

    expect(await world.steps.get(user, listId)).toMatchObject({ status: 'cancelled' });
    expect(await world.steps.waiting(user)).toEqual([]);
  });

  test('times out', async ({ world }) => {
    const user = world.users.newUser();
    const input = { ...waiting(user, randomUUID()), timeouts: { reauth: '1s' } };

    const { servers } = await (await startRun(world, input)).result();

    expect(servers).toEqual(
      BOTH.map(({ mcpServerId }) => ({
        mcpServerId,
        account: 'default',
        failure: { kind: 'auth', code: 'reauth-timed-out' },
        connectUrl: `https://latchkey.example/connect/${mcpServerId}?step=${input.listId}`,
      })),
    );
  });
});

describe('a listing that does not wait', () => {
  test('says what is wrong with each server, and is not shown to its user', async ({ world, scripted }) => {
    const user = world.users.newUser();
    const large = await scripted.register();
    const small = await scripted.register();
    const big = { name: 'big', description: 'x'.repeat(1024 * 1024), inputSchema: { type: 'object' } };
    large.server.on('tools/list', rpcResult({ tools: [big] }));
    const ids = [large.mcpServerId, 'nowhere', 'crm', small.mcpServerId];
    const list = { userId: user, servers: ids.map((mcpServerId) => ({ mcpServerId })), listId: 'quiet' };
    const calls = [
      { mcpServerId: small.mcpServerId, tool: 'echo' },
      { mcpServerId: small.mcpServerId, tool: 'shout' },
      { mcpServerId: large.mcpServerId, tool: 'big' },
      { mcpServerId: 'crm', tool: 'create_invoice' },
    ];

    const report = await (await startRun(world, list, { calls })).result();

    expect(toolsIn(report)).toEqual(['result-too-large', 'unknown-server', 'needs-oauth-reauth', ['echo']]);
    expect(report.servers[2]).toMatchObject({ connectUrl: 'https://latchkey.example/connect/crm' });
    expect(report.preflight).toEqual({
      ready: false,
      problems: [
        { ...calls[1], account: 'default', code: 'unknown-tool' },
        {
          ...calls[3],
          account: 'default',
          code: 'needs-oauth-reauth',
          connectUrl: 'https://latchkey.example/connect/crm',
        },
      ],
    });
    expect(await world.steps.get(user, 'quiet')).toBeUndefined();
    // It is forgotten with its user all the same.
    await vi.waitFor(async () => {
      const found = await executionsOfUser(world.temporal.client, user, 'ended');
      expect(found.map(({ workflowId }) => workflowId)).toContain(`tools/${user}/quiet`);
      expect(found).toHaveLength(2);
    }, UNTIL);
  });

  test('starts nothing if the input is invalid', async ({ world }) => {
    const run: WorkflowHandle = await startRun(world, { userId: 'ada', servers: [] });

    await expect(run.result()).rejects.toMatchObject({
      cause: { type: 'invalid-arguments', message: 'servers must be a list of 1 to 50 servers' },
    });
  });
});
