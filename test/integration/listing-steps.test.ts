import { afterAll, describe, expect, vi } from 'vitest';
import type { StepStatus, StepView } from '../../src/contracts/step.ts';
import type { Interception } from '../../src/dev/embedded/request-interceptions.ts';
import { InvalidCursor } from '../../src/steps/list-cursor.ts';
import type { StepSummary } from '../../src/steps/step-summary.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import type { World } from '../support/world.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));
let hold: Interception;
/** Two steps of each status that a step can have in this version, of one user. */
let steps: Record<Exclude<StepStatus, 'skipped'>, StepView[]>;
let user: string;

test.beforeAll(async ({ world }) => {
  user = world.users.newUser();
  await world.users.connect(user);
  await world.users.connect(`${user}x`);
  await world.steps.start(`${user}x`);
  steps = await startOneOfEach(world);
  // Visibility is eventually consistent.
  await vi.waitFor(() => expectAllListed(world), { timeout: 20_000 });
});

afterAll(async () => {
  hold.release();
});

describe("the list of a user's steps", () => {
  test.for(['running', 'awaiting-input', 'success', 'error', 'cancelled'] as const)(
    'holds only steps of the status %s when it is asked for that status',
    async (status, { world }) => {
      const listed = await listAll(world, status);
      expect(sorted(listed)).toEqual(sorted(steps[status]));
      expect(listed.map((step) => step.status)).toEqual([status, status]);
    },
  );

  test('is empty for a status that no step has', async ({ world }) => {
    expect(await world.steps.list(user, { status: 'skipped', limit: 10 })).toEqual({ steps: [] });
  });

  test('holds only steps of one server when it is asked for that server', async ({ world }) => {
    const of = async (mcpServerId: string, more: object = {}) =>
      (await world.steps.list(user, { limit: 100, mcpServerId, ...more })).steps;
    const atOther = [...steps['awaiting-input'], ...steps.cancelled];
    expect(sorted(await of('other'))).toEqual(sorted(atOther));
    expect(sorted(await of('other', { status: 'cancelled' }))).toEqual(sorted(steps.cancelled));
    expect(await of('other', { status: 'success' })).toEqual([]);
    // The dev server's store compares without case.
    expect(await of('OTHER')).toEqual([]);
    // Such an id can't be part of a query.
    expect(await of("other' OR 'a' = 'a")).toEqual([]);
    expect(await of('other"\\')).toEqual([]);
  });

  test('continues by a cursor only for the same server', async ({ world }) => {
    const { nextCursor = '' } = await world.steps.list(user, { limit: 3, mcpServerId: 'other' });
    const page = { limit: 3, cursor: nextCursor };
    expect((await world.steps.list(user, { ...page, mcpServerId: 'other' })).steps).toHaveLength(1);
    await expect(world.steps.list(user, page)).rejects.toThrow(InvalidCursor);
    await expect(world.steps.list(user, { ...page, mcpServerId: world.mcpServerId })).rejects.toThrow(
      InvalidCursor,
    );
  });

  test('shows why and where the user is needed, without a worker or a history', async ({ world }) => {
    const [paused] = await listAll(world, 'awaiting-input');
    expect(paused).toEqual({
      stepId: expect.any(String),
      workflowId: expect.stringMatching(/^step\//),
      account: 'default',
      mcpServerId: 'other',
      tool: 'create_invoice',
      title: 'Needs its user',
      mode: 'fully-automated',
      status: 'awaiting-input',
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'not-connected',
      connectUrl: `https://latchkey.example/connect/other?step=${paused?.stepId}`,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
  });

  test("holds no steps of another user, not even of one whose id begins with this one's", async ({
    world,
  }) => {
    const expected = Object.values(steps).flat();
    expect(sorted(await listAll(world))).toEqual(sorted(expected));
    expect(await listAll(world, undefined, world.users.newUser())).toEqual([]);
  });

  test('comes in pages that hold every step once, open steps first', async ({ world }) => {
    const pages = await pagesOf(world, 3);

    expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 1]);
    const listed = pages.flat();
    expect(sorted(listed)).toEqual(sorted(Object.values(steps).flat()));
    const open = [...steps.running, ...steps['awaiting-input']];
    expect(sorted(listed.slice(0, 4))).toEqual(sorted(open));
    const endTimes = listed.slice(4).map((step) => step.updatedAt);
    expect(endTimes).toEqual([...endTimes].sort().reverse());
  });

  test.for(['nonsense', '%', Buffer.from('{"a":1}').toString('base64url'), '.'])(
    'refuses a cursor that it did not issue: %s',
    async (cursor, { world }) => {
      await expect(world.steps.list(user, { limit: 3, cursor })).rejects.toThrow(InvalidCursor);
    },
  );

  test("refuses a cursor of another list: another status, or another user's", async ({ world }) => {
    const { nextCursor: cursor = '' } = await world.steps.list(user, { limit: 3 });
    const page = { limit: 3, cursor };

    await expect(world.steps.list(user, { ...page, status: 'error' })).rejects.toThrow(InvalidCursor);
    await expect(world.steps.list(`${user}x`, page)).rejects.toThrow(InvalidCursor);
  });
});

async function startOneOfEach(world: World): Promise<typeof steps> {
  await world.register('other', { url: world.mcpServer.url, auth: { type: 'oauth2' } });
  const { control } = world.mcpServer;
  hold = control.interceptTools({ do: 'hold-before-execution' }, { tool: 'send_message', times: Infinity });
  const pausing = { mcpServerId: 'other', title: 'Needs its user' };
  const started = {
    running: await twice(world, { tool: 'send_message', arguments: { to: 'ACME', text: 'hello' } }),
    'awaiting-input': await twice(world, pausing),
    success: await twice(world, {}),
    error: await twice(world, { tool: 'fail', arguments: {} }),
    cancelled: await twice(world, pausing),
  };
  await hold.reached(2);
  for (const { stepId } of [...started['awaiting-input'], ...started.cancelled]) {
    await world.steps.until(user, stepId, 'awaiting-input');
  }
  for (const { stepId } of started.cancelled) await world.steps.cancel(user, stepId);
  for (const status of ['success', 'error', 'cancelled'] as const) {
    for (const { stepId } of started[status]) await world.steps.until(user, stepId, status);
  }
  return started;
}

async function twice(world: World, step: Parameters<World['steps']['start']>[1]): Promise<StepView[]> {
  return [await world.steps.start(user, step), await world.steps.start(user, step)];
}

async function listAll(world: World, status?: StepStatus, of = user): Promise<StepSummary[]> {
  return (await world.steps.list(of, { limit: 100, ...(status && { status }) })).steps;
}

async function expectAllListed(world: World): Promise<void> {
  for (const [status, ofStatus] of Object.entries(steps)) {
    const listed = (await listAll(world)).filter((step) => step.status === status);
    expect(sorted(listed)).toEqual(sorted(ofStatus));
  }
}

async function pagesOf(world: World, limit: number): Promise<StepSummary[][]> {
  const pages: StepSummary[][] = [];
  let cursor: string | undefined;
  do {
    const page = await world.steps.list(user, { limit, ...(cursor !== undefined && { cursor }) });
    pages.push(page.steps);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

function sorted(listed: { stepId: string }[]): string[] {
  return listed.map(({ stepId }) => stepId).sort();
}
