import type { Client } from '@temporalio/client';
import { expect, vi } from 'vitest';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { mcpStepStatus, stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import type { AwaitingInputReason } from '../../src/contracts/step.ts';
import { MEMO_KEY, STATE_MEMO, stepMemo } from '../../src/contracts/step-memo.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { createStepClient } from '../../src/steps/step-client.ts';
import { MAX_NEEDS, readHome } from '../../src/web/home/read-home.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import type { World } from '../support/world.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace(), withoutWorker: true }));

const TASK_QUEUE = uniqueTaskQueue('nobody');

/** Starts a step as it is in a pause, without a worker. */
async function startPaused(client: Client, userId: string, stepId: string, reason: AwaitingInputReason) {
  const input = { userId, stepId, mcpServerId: 'ledger', tool: 'create_invoice' };
  const now = new Date().toISOString();
  const memo = stepMemo(input);
  const state = {
    ...memo,
    status: 'awaiting-input',
    awaitingInputReason: reason,
    createdAt: now,
    updatedAt: now,
  };
  await client.workflow.start('mcpStep', {
    taskQueue: TASK_QUEUE,
    workflowId: stepWorkflowId(userId, stepId),
    args: [input],
    memo: { [MEMO_KEY]: memo, [STATE_MEMO]: state },
    typedSearchAttributes: [
      ...stepSearchAttributes(input).filter(({ key }) => key !== mcpStepStatus),
      { key: mcpStepStatus, value: 'awaiting-input' },
    ],
  });
}

/** Starts `count` paused steps of a new user: the first 10 need an approval, and the others a connection. */
async function userWith(world: World, count: number): Promise<string> {
  const { client } = world.temporal;
  const userId = world.users.newUser();
  const start = (reason: AwaitingInputReason) => (stepId: string) =>
    startPaused(client, userId, stepId, reason);
  const ids = Array.from({ length: count }, (_, index) => `s${index}`);
  await mapConcurrently(ids.slice(0, 10), start('needs-approval'));
  await mapConcurrently(ids.slice(10), start('needs-oauth-reauth'));
  const query = `WorkflowId STARTS_WITH 'step/${userId}/'`;
  await vi.waitFor(async () => expect((await client.workflow.count(query)).count).toBe(count), {
    timeout: 30_000,
  });
  return userId;
}

/** The client, and the names of the requests that it has sent. */
function counting(client: Client): { client: Client; requests: string[] } {
  const requests: string[] = [];
  const workflowService = new Proxy(client.workflowService, {
    get(service, name) {
      requests.push(String(name));
      return Reflect.get(service, name);
    },
  });
  // The cast is safe: everything but the one member is the client's own.
  return {
    client: Object.create(client, { workflowService: { value: workflowService } }) as Client,
    requests,
  };
}

async function readCounted(world: World, userId: string, client = world.temporal.client) {
  const counted = counting(client);
  const sources = {
    knownConnections: async () => ({ connections: [], awaited: [] }),
    servers: { list: async () => [] },
    steps: createStepClient({ client: counted.client, taskQueue: TASK_QUEUE }),
  };
  // A machine that is busy with other tests answers late; here requests are counted.
  const home = await readHome(sources, userId, {}, 30_000);
  return { home, requests: counted.requests };
}

test('a page costs a number of requests that does not grow with the number of steps', async ({ world }) => {
  const few = await readCounted(world, await userWith(world, 3));
  expect(few.home.page?.steps).toHaveLength(3);
  expect(few.home.undecided).toMatchObject({ steps: [{}, {}, {}], isCut: false });
  // The list itself shows all steps that wait.
  expect(few.requests).toEqual(['listWorkflowExecutions']);

  const many = await readCounted(world, await userWith(world, 300));
  expect(many.home.page?.steps).toHaveLength(25);
  expect(many.home.undecided?.steps).toHaveLength(10);
  expect(many.home.undecided?.isCut).toBe(false);
  // The steps that need an approval are the oldest, so all 300 had to be read. Some stores say only in a further answer
  // that the page before was the last one.
  expect(new Set(many.requests)).toEqual(new Set(['listWorkflowExecutions']));
  expect(many.requests.length).toBeLessThanOrEqual(5);
});

test('reading ends after five pages, and says that there may be more', async ({ world }) => {
  const endless = Object.create(world.temporal.client, {
    workflowService: {
      value: {
        listWorkflowExecutions: async () => ({ executions: [], nextPageToken: Buffer.from('more') }),
      },
    },
  });
  const { home, requests } = await readCounted(world, 'alice', endless);
  expect(home.undecided).toEqual({ steps: [], isCut: true, isPartial: true });
  expect(requests.length).toBe(10 + 5);
});

test('those that have waited longest are found among more than one request lists', async ({ world }) => {
  const { client } = world.temporal;
  const userId = world.users.newUser();
  const ids = Array.from({ length: 120 }, (_, index) => `s${index}`);
  await mapConcurrently(ids, (stepId) => startPaused(client, userId, stepId, 'outcome-unknown'));
  await vi.waitFor(
    async () => {
      const { home, requests } = await readCounted(world, userId);
      expect(home.undecided?.steps).toHaveLength(MAX_NEEDS);
      expect(home.undecided?.isCut).toBe(true);
      const times = home.undecided?.steps.map(({ updatedAt }) => updatedAt) ?? [];
      expect(times).toEqual([...times].sort());
      // The page itself, and the steps that wait in parts of a hundred. Some stores say only in a further answer that the
      // page before was the last one.
      expect(requests.length).toBeGreaterThanOrEqual(3);
      expect(requests.length).toBeLessThanOrEqual(4);
    },
    { timeout: 30_000 },
  );
});
