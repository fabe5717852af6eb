import { describe, expect } from 'vitest';
import { listAwaitedConnections } from '../../../src/credentials/waiters/awaited-connections.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { credentialTest } from '../fixtures.ts';

const test = credentialTest
  .extend('wait', ({ fixture, key }) => (name: string, seenVersion: number, more: object = {}) => {
    const workflowId = `${key.userId}/${name}`;
    return registerWaiter(fixture.pool, { ...key, workflowId, stepId: name, seenVersion, ...more });
  })
  .extend('waitedSince', ({ fixture, key }) => async (name: string, minutes: number) => {
    await fixture.pool.query(
      `UPDATE mcp_step_waiter SET registered_at = now() - make_interval(mins => $2) WHERE workflow_id = $1`,
      [`${key.userId}/${name}`, minutes],
    );
  })
  .extend(
    'awaited',
    ({ fixture, key }) =>
      () =>
        listAwaitedConnections(fixture.pool, key.userId),
  );

describe('the connections that steps wait for', () => {
  test('are those of the user, each with its steps, since when and the scopes, the longest awaited first', async ({
    key,
    wait,
    waitedSince,
    awaited,
  }) => {
    await wait('a', 0);
    await wait('b', 0, { requiredScopes: ['write', 'read'] });
    await wait('c', 0, { requiredScopes: ['write', 'admin'] });
    await wait('d', 0, { account: 'work' });
    await wait('of another user', 0, { userId: `${key.userId}x` });
    await waitedSince('b', 10);
    await waitedSince('d', 20);

    const [first, second, ...others] = await awaited();
    expect(first).toMatchObject({
      mcpServerId: key.mcpServerId,
      account: 'work',
      waitingSteps: 1,
      requiredScopes: [],
    });
    expect(second).toMatchObject({
      account: 'default',
      waitingSteps: 3,
      requiredScopes: ['admin', 'read', 'write'],
    });
    expect(others).toEqual([]);
    const ages = [first, second].map((one) => (Date.now() - (one?.since.getTime() ?? 0)) / 60_000);
    expect(ages.map(Math.round)).toEqual([20, 10]);
  });

  test('hold none that a deposit has just made, and one that a deposit did not help', async ({
    fixture,
    key,
    wait,
    awaited,
  }) => {
    await wait('before the deposit', 0);
    expect(await awaited()).toHaveLength(1);
    await fixture.deposit(key, {});
    expect(await awaited()).toEqual([]);
    await wait('after the deposit', 1, { requiredScopes: ['more'] });
    expect(await awaited()).toMatchObject([{ waitingSteps: 1, requiredScopes: ['more'] }]);
    await fixture.pool.query(
      `UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE user_id = $1`,
      [key.userId],
    );
    expect(await awaited()).toMatchObject([{ waitingSteps: 2 }]);
  });

  test('hold none of a server that can not be connected', async ({ fixture, key, wait, awaited }) => {
    const open = await fixture.register({ auth: { type: 'none' } });
    await wait('of an open server', 0, { mcpServerId: open.id });
    await wait('of a server that was removed', 0, { mcpServerId: `${key.mcpServerId}-removed` });
    expect(await awaited()).toEqual([]);
  });
});
