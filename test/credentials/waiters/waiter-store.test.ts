import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { listConnections } from '../../../src/credentials/credential-store.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { listAwaitedConnections } from '../../../src/credentials/waiters/awaited-connections.ts';
import { countWaitersFor, waitingStepsOf } from '../../../src/credentials/waiters/count-waiters.ts';
import {
  listSilentWaiters,
  listWaitersOf,
  listWaitingWorkflows,
  noteAlive,
  removeEnded,
  removeSilent,
  removeWaitersOf,
} from '../../../src/credentials/waiters/waiter-life-store.ts';
import {
  countDueWaiters,
  listDueWaiters,
  listLostResumptions,
  registerWaiter,
  removeWaiter,
  removeWaiters,
  removeWoken,
  requiredScopesOfWaiters,
} from '../../../src/credentials/waiters/waiter-store.ts';
import { credentialTest } from '../fixtures.ts';

const test = credentialTest
  .extend(
    'workflow',
    ({ key }) =>
      (name: string) =>
        `${key.userId}/${name}`,
  )
  .extend(
    'wait',
    ({ fixture, key, workflow }) =>
      (name: string, seenVersion: number) =>
        registerWaiter(fixture.pool, { ...key, workflowId: workflow(name), stepId: name, seenVersion }),
  )
  .extend(
    'listingWaits',
    ({ fixture, workflow }) =>
      (name: string, key: CredentialKey) =>
        registerWaiter(fixture.pool, {
          ...key,
          workflowId: workflow(name),
          stepId: name,
          seenVersion: 0,
          ofListing: true,
        }),
  )
  /** Deposits this many times. */
  .extend('depositTimes', ({ fixture, key }) => async (version: number): Promise<void> => {
    for (let n = 1; n <= version; n++) await fixture.deposit(key, { refreshToken: `r${n}` });
  })
  .extend('due', ({ fixture, key }) => async (version: number, limit = 100): Promise<string[]> => {
    const waiters = await listDueWaiters(fixture.pool, key, version, { after: '', limit });
    return waiters.map(({ workflowId }) => workflowId.slice(key.userId.length + 1));
  })
  .extend(
    'lost',
    ({ fixture, key }) =>
      async () =>
        (await listLostResumptions(fixture.pool, 1_000)).filter(({ userId }) => userId === key.userId),
  );

describe('the scopes that the steps of a connection wait for', () => {
  test('are those of all its waiting steps together, once each', async ({ fixture, key, wait, workflow }) => {
    const waitFor = (name: string, requiredScopes: string[], of: object = {}) =>
      registerWaiter(fixture.pool, {
        ...key,
        ...of,
        workflowId: workflow(name),
        stepId: name,
        seenVersion: 1,
        requiredScopes,
      });
    expect(await requiredScopesOfWaiters(fixture.pool, key)).toEqual([]);
    await wait('for any deposit', 1);
    await waitFor('a', ['read', 'write']);
    await waitFor('b', ['write', 'admin']);
    await waitFor('of another account', ['delete'], { account: 'work' });

    expect(await requiredScopesOfWaiters(fixture.pool, key)).toEqual(['admin', 'read', 'write']);
    expect(await requiredScopesOfWaiters(fixture.pool, { ...key, account: 'work' })).toEqual(['delete']);

    await waitFor('a', []);
    await removeWaiter(fixture.pool, workflow('b'), key);
    expect(await requiredScopesOfWaiters(fixture.pool, key)).toEqual([]);
  });
});

describe('waiters', () => {
  test('are due when they saw an older version, only for that user and server', async ({
    depositTimes,
    due,
    fixture,
    key,
    server,
    wait,
  }) => {
    await wait('a', 0);
    await wait('b', 1);
    await wait('c', 2);
    await depositTimes(2);

    expect(await due(2)).toEqual(['a', 'b']);
    expect(await countDueWaiters(fixture.pool, key, 2)).toBe(2);
    expect(await countDueWaiters(fixture.pool, fixture.newKey(server), 2)).toBe(0);
    expect(await countDueWaiters(fixture.pool, { ...key, mcpServerId: 'another' }, 2)).toBe(0);
  });

  test('are never due beyond what was deposited, whatever version is claimed', async ({
    depositTimes,
    due,
    wait,
  }) => {
    await wait('a', 0);
    await wait('b', 1);
    await depositTimes(1);

    expect(await due(99)).toEqual(['a']);
  });

  test('come in pages, each one once', async ({ depositTimes, fixture, key, wait, workflow }) => {
    await depositTimes(1);
    for (const name of ['c', 'a', 'e', 'b', 'd']) await wait(name, 0);
    const first = await listDueWaiters(fixture.pool, key, 1, { after: '', limit: 2 });
    const second = await listDueWaiters(fixture.pool, key, 1, { after: workflow('b'), limit: 9 });

    expect(first.map(({ workflowId }) => workflowId)).toEqual([workflow('a'), workflow('b')]);
    expect(second.map(({ workflowId }) => workflowId)).toEqual(['c', 'd', 'e'].map(workflow));
  });

  test('that were signalled are gone, unless they have paused again', async ({
    depositTimes,
    due,
    fixture,
    key,
    wait,
  }) => {
    await wait('a', 0);
    await wait('b', 0);
    await depositTimes(2);
    const signalled = await listDueWaiters(fixture.pool, key, 1, { after: '', limit: 9 });
    await wait('b', 1);

    await removeWoken(fixture.pool, key, signalled);

    expect(await due(9)).toEqual(['b']);
  });

  test('of one listing wait for several connections, and stay at those that were not deposited', async ({
    depositTimes,
    due,
    fixture,
    key,
    listingWaits,
    workflow,
  }) => {
    const other = { ...key, account: 'work' };
    await listingWaits('a', key);
    await listingWaits('a', other);
    await depositTimes(1);

    await removeWoken(fixture.pool, key, await listDueWaiters(fixture.pool, key, 1, { after: '', limit: 9 }));

    expect(await due(9)).toEqual([]);
    expect(await countDueWaiters(fixture.pool, other, 1)).toBe(1);
    await removeWaiters(fixture.pool, workflow('a'));
    expect(await countDueWaiters(fixture.pool, other, 1)).toBe(0);
  });

  test('wait once, however often they register, and no longer than they want', async ({
    fixture,
    key,
    wait,
    workflow,
  }) => {
    await wait('a', 0);
    await wait('a', 3);
    expect(await countDueWaiters(fixture.pool, key, 3)).toBe(0);
    expect(await countDueWaiters(fixture.pool, key, 4)).toBe(1);

    await removeWaiter(fixture.pool, workflow('a'), key);

    expect(await countDueWaiters(fixture.pool, key, 4)).toBe(0);
  });
});

describe('the waiters of a listing', () => {
  test('are read and deleted as those of steps are', async ({
    fixture,
    key,
    listingWaits,
    lost,
    wait,
    workflow,
  }) => {
    const { pool } = fixture;
    const ids = ['a listing', 'a step'].map(workflow);
    const register = () => Promise.all([wait('a step', 0), listingWaits('a listing', key)]);
    const ofUser = async () => {
      const waiters = await listWaitersOf(pool, key.userId, { after: undefined, limit: 9 });
      return waiters.sort((a, b) => a.workflowId.localeCompare(b.workflowId));
    };
    await register();

    expect((await waitingStepsOf(pool, key, 9)).count).toBe(2);
    expect(await countWaitersFor(pool, key.mcpServerId)).toBeGreaterThanOrEqual(2);
    expect((await listWaitingWorkflows(pool, key.userId)).sort()).toEqual(ids);
    expect(await listAwaitedConnections(pool, key.userId)).toMatchObject([{ waitingSteps: 2 }]);
    const asRead = await ofUser();
    expect(asRead.map(({ workflowId }) => workflowId)).toEqual(ids);
    await noteAlive(pool, ids);
    expect((await ofUser()).map(({ aliveAt }) => aliveAt)).not.toContain(asRead[0]?.aliveAt);
    await fixture.deposit(key, {});
    expect(await lost()).toEqual([{ ...key, version: 1 }]);
    expect(await listConnections(pool, key.userId)).toMatchObject([{ waitingSteps: 2 }]);

    await removeEnded(pool, await ofUser());
    expect(await ofUser()).toEqual([]);
    await register();
    expect(await listSilentWaiters(pool, -1, 1_000)).toEqual(expect.arrayContaining(ids));
    expect(await removeSilent(pool, ids, -1)).toBe(2);
    await register();
    expect(await removeWaitersOf(pool, key.userId)).toBe(2);
  });

  test('stay when a worker of an older version registers, wakes and removes steps', async ({
    fixture,
    key,
    listingWaits,
    workflow,
  }) => {
    const { pool } = fixture;
    const other = { ...key, account: 'work' };
    await listingWaits('a', key);
    await listingWaits('a', other);
    // The statements of the version before listings.
    const register = `INSERT INTO mcp_step_waiter (user_id, mcp_server_id, account, workflow_id, step_id, seen_version)
      VALUES ($1, $2, 'default', $3, 's', $4) ON CONFLICT (workflow_id) DO UPDATE SET seen_version = excluded.seen_version`;
    for (const seen of [0, 1]) {
      await pool.query(register, [key.userId, key.mcpServerId, workflow('s'), seen]);
    }
    await pool.query(
      `DELETE FROM mcp_step_waiter w USING unnest($1::text[], $2::bigint[]) AS woken (workflow_id, seen_version)
        WHERE w.workflow_id = woken.workflow_id AND w.seen_version = woken.seen_version`,
      [
        [workflow('a'), workflow('s')],
        [0, 1],
      ],
    );
    await pool.query('DELETE FROM mcp_step_waiter WHERE workflow_id = $1', [workflow('a')]);

    expect(await listWaitingWorkflows(pool, key.userId)).toEqual([workflow('a')]);
    expect(await countDueWaiters(pool, key, 1)).toBe(1);
    expect(await countDueWaiters(pool, other, 1)).toBe(1);
  });
});

describe('a lost resumption', () => {
  test('is found while a step waits for the deposit', async ({ fixture, key, lost, wait, workflow }) => {
    await wait('a', 0);
    await wait('b', 0);
    expect(await lost()).toEqual([]);
    await fixture.deposit(key, {});

    expect(await lost()).toEqual([{ ...key, version: 1 }]);

    await removeWaiter(fixture.pool, workflow('a'), key);
    await removeWaiter(fixture.pool, workflow('b'), key);
    expect(await lost()).toEqual([]);
  });

  test('is not reported when the step has seen that version, or nothing is stored', async ({
    fixture,
    key,
    lost,
    wait,
  }) => {
    await fixture.deposit(key, {});
    await wait('a', 1);
    expect(await lost()).toEqual([]);

    await disconnectCredential(fixture.pool, key);

    expect(await lost()).toEqual([]);
  });
});
