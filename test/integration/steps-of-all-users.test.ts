import { describe, expect, vi } from 'vitest';
import { type ListAllSteps, listAllSteps } from '../../src/steps/list-all-steps.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import type { World } from '../support/world.ts';

// Lists of all users need a namespace without other tests' steps.
const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));

const SECRET = 'customer-that-nobody-else-may-see';
let ada: string;
let bob: string;

test.beforeAll(async ({ world }) => {
  ada = world.users.newUser();
  bob = world.users.newUser();
  await world.users.connect(ada);
  const done = { stepId: 'done', arguments: { customer: SECRET, amount: 1 }, title: `For ${SECRET}` };
  await world.steps.result(await world.steps.start(ada, done));
  await world.steps.start(ada, { stepId: 'to-approve', mode: 'automated-with-confirmation' });
  await world.steps.start(bob, { stepId: 'to-connect' });
  const refused = { stepId: 'refused', tool: 'no_such_tool', arguments: {} };
  await world.steps.result(await world.steps.start(ada, refused));
  await world.steps.until(ada, 'to-approve', 'awaiting-input');
  await world.steps.until(bob, 'to-connect', 'awaiting-input');
  await vi.waitFor(
    async () =>
      expect((await named(world, {})).sort()).toEqual([
        'awaiting-input to-approve',
        'awaiting-input to-connect',
        'error refused',
        'success done',
      ]),
    { timeout: 30_000 },
  );
});

async function named(world: World, options: Partial<ListAllSteps>): Promise<string[]> {
  const { steps } = await listAllSteps(world.temporal, { limit: 100, ...options });
  return steps.map(({ status, stepId }) => `${status} ${stepId}`);
}

describe('the steps of all users', () => {
  test('are found by user, status, reason, server and start', async ({ world }) => {
    expect(await named(world, { userId: bob })).toEqual(['awaiting-input to-connect']);
    expect(await named(world, { userId: bob.toUpperCase() })).toEqual([]);
    expect(await named(world, { status: 'success' })).toEqual(['success done']);
    expect(await named(world, { reason: 'needs-approval' })).toEqual(['awaiting-input to-approve']);
    expect(await named(world, { reason: 'needs-oauth-reauth', userId: ada })).toEqual([]);
    expect(await named(world, { status: 'error', reason: 'unknown-tool' })).toEqual(['error refused']);
    expect(await named(world, { reason: 'forbidden' })).toEqual([]);
    expect(await named(world, { mcpServerId: 'other' })).toEqual([]);
    expect(await named(world, { mcpServerId: world.mcpServerId })).toHaveLength(4);
    expect(await named(world, { since: new Date(Date.now() - 3_600_000) })).toHaveLength(4);
    expect(await named(world, { since: new Date(Date.now() + 3_600_000) })).toEqual([]);
  });

  test('are found by the time of creation that they show, to the millisecond', async ({ world }) => {
    const { steps } = await listAllSteps(world.temporal, { limit: 100, reason: 'unknown-tool' });
    const createdAt = Date.parse(steps[0]?.createdAt ?? '');

    expect(await named(world, { since: new Date(createdAt) })).toEqual(['error refused']);
    expect(await named(world, { since: new Date(createdAt + 1) })).toEqual([]);
  });

  test('cost one request a page, whatever there is', async ({ world }) => {
    const { client } = world.temporal;
    const list = vi.spyOn(client.workflowService, 'listWorkflowExecutions');
    const history = vi.spyOn(client.workflowService, 'getWorkflowExecutionHistory');
    const first = await listAllSteps({ client }, { limit: 3 });
    const second = await listAllSteps({ client }, { limit: 3, cursor: first.nextCursor });
    expect([first.steps.length, second.steps.length]).toEqual([3, 1]);
    expect(list).toHaveBeenCalledTimes(2);
    await listAllSteps({ client }, { limit: 1, reason: 'needs-oauth-scope' });
    expect(list.mock.calls.length).toBeLessThanOrEqual(2 + 10);
    expect(history).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test('hold no content over HTTP, unless the token may see it', async ({ api }) => {
    const plain = JSON.stringify(await listed(api, 'latchkey:admin'));
    expect(plain).toContain('"userId"');
    expect(plain).not.toContain(SECRET);
    const steps = await listed(api, 'latchkey:admin latchkey:admin:content');
    const step = steps.find(({ stepId }) => stepId === 'done');
    expect(step).toMatchObject({
      userId: ada,
      title: `For ${SECRET}`,
      arguments: { customer: SECRET, amount: 1 },
      result: { content: expect.any(Array) },
    });
  });
});

async function listed(api: TestApi, scope: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${api.url}/admin/steps?limit=100`, {
    headers: { authorization: `Bearer ${await api.tokenOf('root', scope)}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()).steps;
}
