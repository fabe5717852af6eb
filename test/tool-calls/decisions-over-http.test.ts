import { describe, expect, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { INVOICE, type World } from '../support/world.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));

async function startForApproval(world: World): Promise<{ user: string; step: StepView }> {
  const user = world.users.newUser();
  await world.users.connect(user);
  const { stepId } = await world.steps.start(user, { mode: 'automated-with-confirmation' });
  return { user, step: await world.steps.until(user, stepId, 'awaiting-input') };
}

/** A step whose tool ran while its answer was cut off. */
async function startLost(world: World, user: string, change: Partial<McpStepInput> = {}): Promise<StepView> {
  world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user });
  const { stepId } = await world.steps.start(user, { sideEffects: 'unsafe', ...change });
  return world.steps.until(user, stepId, 'awaiting-input');
}

async function connectedUser(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

const entry = (step: StepView, event: string) => step.timeline.find((one) => one.event === event);

describe('approving', () => {
  test('calls the tool with the arguments that were asked for, and says who approved', async ({
    world,
    api,
  }) => {
    const { user, step } = await startForApproval(world);
    expect(step).toMatchObject({ awaitingInputReason: 'needs-approval', pending: { arguments: INVOICE } });
    expect(world.mcpServer.calls({ user })).toEqual([]);

    const answer = await api.ask(user, `POST /steps/${step.stepId}/approve`, {});

    expect(answer).toMatchObject({ status: 200, body: { stepId: step.stepId } });
    const done = await world.steps.until(user, step.stepId, 'success');
    expect(entry(done, 'approved')).toMatchObject({ by: user, edited: false });
    expect(world.mcpServer.calls({ user })).toMatchObject([{ arguments: INVOICE }]);
  });

  test('answers 429 to the 31st bad edit within a minute and still applies without an edit', async ({
    world,
    api,
  }) => {
    const { user, step } = await startForApproval(world);
    const approve = (body: object) => api.ask(user, `POST /steps/${step.stepId}/approve`, body);
    for (let n = 0; n < 30; n += 1) {
      expect(await approve({ arguments: { ...INVOICE, amount: `${n}` } })).toMatchObject({ status: 400 });
    }

    expect(await approve({ arguments: { ...INVOICE, amount: 'more' } })).toMatchObject({
      status: 429,
      body: { code: 'too-many-requests' },
    });

    expect(await approve({})).toMatchObject({ status: 200 });
    await world.steps.until(user, step.stepId, 'success');
  });

  test('answers 400 to an edit that does not fit the tool, and the step still waits', async ({
    world,
    api,
  }) => {
    const { user, step } = await startForApproval(world);
    const approve = (edited: object) =>
      api.ask(user, `POST /steps/${step.stepId}/approve`, { arguments: edited });

    expect(await approve({ ...INVOICE, amount: 'a lot' })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ path: 'arguments', message: '/amount: must be number' }] },
    });
    expect(await world.steps.get(user, step.stepId)).toMatchObject({ status: 'awaiting-input' });
    expect(world.mcpServer.calls({ user })).toEqual([]);

    expect(await approve({ ...INVOICE, amount: 7 })).toMatchObject({ status: 200 });
    const done = await world.steps.until(user, step.stepId, 'success');
    expect(entry(done, 'approved')).toMatchObject({ by: user, edited: true });
    expect(world.mcpServer.calls({ user })).toMatchObject([{ arguments: { ...INVOICE, amount: 7 } }]);
  });

  test('answers 503 to an edit while the schema is unavailable, and the step still waits', async ({
    world,
    api,
  }) => {
    const { user, step } = await startForApproval(world);
    const hold = world.mcpServer.control.interceptRequests(
      { do: 'answer', status: 503 },
      { user, times: Infinity },
    );

    expect(
      await api.ask(user, `POST /steps/${step.stepId}/approve`, { arguments: { ...INVOICE, amount: 7 } }),
    ).toMatchObject({ status: 503, body: { code: 'arguments-unchecked' } });
    hold.release();
    expect(await world.steps.get(user, step.stepId)).toMatchObject({ status: 'awaiting-input' });
  });

  test("answers 404 for another user's step and 409 for one that does not wait for approval", async ({
    world,
    api,
  }) => {
    const { user, step } = await startForApproval(world);
    const path = `POST /steps/${step.stepId}`;

    expect(await api.ask(world.users.newUser(), `${path}/approve`, {})).toMatchObject({ status: 404 });
    expect(await api.ask(user, 'POST /steps/never-started/approve', {})).toMatchObject({ status: 404 });
    expect(await api.ask(user, `${path}/resolve`, { action: 'retry' })).toMatchObject({
      status: 409,
      body: { code: 'not-waiting' },
    });
    expect(await api.ask(user, `${path}/approve`, {})).toMatchObject({ status: 200 });
    await world.steps.until(user, step.stepId, 'success');
    expect(await api.ask(user, `${path}/approve`, {})).toMatchObject({
      status: 409,
      body: { code: 'not-waiting' },
    });
  });
});

describe('rejecting', () => {
  test('skips the step without a call, with the reason and who gave it', async ({ world, api }) => {
    const { user, step } = await startForApproval(world);

    const answer = await api.ask(user, `POST /steps/${step.stepId}/reject`, { reason: 'not today' });

    expect(answer).toMatchObject({ status: 200, body: { status: 'skipped' } });
    expect(await world.steps.result(step)).toEqual({ status: 'skipped', reason: 'not today' });
    const done = await world.steps.until(user, step.stepId, 'skipped');
    expect(entry(done, 'rejected')).toMatchObject({ by: user });
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });
});

describe('resolving', () => {
  test('with `succeed` gives the step the result that its user says', async ({ world, api }) => {
    const user = await connectedUser(world);
    const step = await startLost(world, user);
    expect(step.awaitingInputReason).toBe('outcome-unknown');
    const result = { content: [{ type: 'text', text: 'I saw it' }] };

    const answer = await api.ask(user, `POST /steps/${step.stepId}/resolve`, { action: 'succeed', result });

    expect(answer).toMatchObject({ status: 200, body: { status: 'success', result } });
    expect(entry(await world.steps.until(user, step.stepId, 'success'), 'resolved')).toMatchObject({
      by: user,
      action: 'succeed',
    });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('with `retry` calls the tool again', async ({ world, api }) => {
    const user = await connectedUser(world);
    const step = await startLost(world, user);

    await api.ask(user, `POST /steps/${step.stepId}/resolve`, { action: 'retry' });

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(2);
  });
});

describe('resolving many', () => {
  const many = (api: TestApi, mcpServerId: string, from: Date, to: Date, action: string) =>
    api.askAsAdmin('POST /steps/resolve-many', {
      mcpServerId,
      from: from.toISOString(),
      to: to.toISOString(),
      action,
    });

  /** Visibility follows with a delay. */
  const untilListed = (world: World, user: string, stepIds: string[]) =>
    vi.waitFor(
      async () => {
        const { steps } = await world.steps.list(user, { status: 'awaiting-input', limit: 100 });
        expect(steps.map(({ stepId }) => stepId).sort()).toEqual([...stepIds].sort());
      },
      { timeout: 20_000, interval: 100 },
    );

  test("resolves one server's steps of a time span, of all users, and leaves the others", async ({
    world,
    api,
  }) => {
    const server = 'O\'Neill \\ Söhne "x"';
    await world.register(server, { url: world.mcpServer.url, auth: { type: 'oauth2' } });
    const users = [await connectedUser(world), await connectedUser(world)] as const;
    for (const user of users)
      await world.users.deposit(user, { ...(await world.users.consent(user)), mcpServerId: server });
    const early = await startLost(world, users[0], { mcpServerId: server });
    const from = new Date(Date.parse(early.createdAt) + 1);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(from.getTime()), { timeout: 20_000 });
    const [first, second] = [
      await startLost(world, users[0], { mcpServerId: server }),
      await startLost(world, users[1], { mcpServerId: server }),
    ];
    const elsewhere = await startLost(world, users[0]);
    const { stepId } = await world.steps.start(users[1], {
      mcpServerId: server,
      mode: 'automated-with-confirmation',
    });
    const asking = await world.steps.until(users[1], stepId, 'awaiting-input');
    const to = new Date(Date.now() + 1_000);
    await untilListed(world, users[0], [early.stepId, first.stepId, elsewhere.stepId]);
    await untilListed(world, users[1], [second.stepId, asking.stepId]);

    const answer = await many(api, server, from, to, 'fail');

    expect(answer).toEqual({ status: 200, body: { resolved: 2, skipped: 1, failed: 0 } });
    for (const [user, step] of [
      [users[0], first],
      [users[1], second],
    ] as const) {
      const done = await world.steps.until(user, step.stepId, 'error');
      expect(done.error).toMatchObject({ code: 'outcome-unknown' });
      expect(entry(done, 'resolved')).toMatchObject({ by: 'admin', action: 'fail' });
    }
    expect(await world.steps.get(users[0], early.stepId)).toMatchObject({ status: 'awaiting-input' });
    expect(await world.steps.get(users[0], elsewhere.stepId)).toMatchObject({ status: 'awaiting-input' });
    expect(await world.steps.get(users[1], asking.stepId)).toMatchObject({ status: 'awaiting-input' });
  });

  test('finds nothing for a server id that looks like a query', async ({ api }) => {
    const trick = "x' OR McpServerId != '";
    expect(await many(api, trick, new Date(0), new Date(), 'fail')).toEqual({
      status: 200,
      body: { resolved: 0, skipped: 0, failed: 0 },
    });
    const tricks = "x\\' OR McpServerId != '";
    expect(await many(api, tricks, new Date(0), new Date(), 'fail')).toMatchObject({ body: { resolved: 0 } });
  });
});
