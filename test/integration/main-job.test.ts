import { describe, expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld();

describe('a step of a connected user', () => {
  test('calls the tool once with the stored token, in 11 history events and one activity', async ({
    world,
  }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const step = await world.steps.start(user);
    await expect(world.steps.result(step)).resolves.toMatchObject({
      status: 'success',
      result: { structuredContent: { customer: 'ACME', amount: 42 } },
    });
    const { events } = await world.temporal.client.workflow.getHandle(step.workflowId).fetchHistory();
    expect(events).toHaveLength(11);
    expect(events?.filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(1);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('costs one HTTP request at the MCP server once a session is open', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await world.steps.result(await world.steps.start(user));
    const before = world.mcpServer.requests().length;

    for (let count = 0; count < 20; count += 1) await world.steps.result(await world.steps.start(user));

    const requests = world.mcpServer.requests().slice(before);
    expect(requests.map(({ httpMethod, rpcMethod }) => `${httpMethod} ${rpcMethod}`)).toEqual(
      Array(20).fill('POST tools/call'),
    );
  });

  test('renews an expired token without the user and calls once', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.authorizationServer.control.expireAccessTokens(user);
    const step = await world.steps.start(user);
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user }).succeeded).toBe(
      1,
    );
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });
});

describe('a step whose grant was revoked', () => {
  test('pauses with a reason and a link, and resumes at the next deposit', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    const step = await world.steps.start(user);
    const paused = await world.steps.until(user, step.stepId, 'awaiting-input');
    expect(paused).toMatchObject({
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'invalid-grant',
      connectUrl: `https://latchkey.example/connect/ledger?step=${step.stepId}`,
    });
    expect(await world.users.connect(user)).toEqual({
      kind: 'stored',
      changed: true,
      version: 2,
      resuming: 1,
    });
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });
});
