import { describe, expect } from 'vitest';
import { readAccess } from '../../src/credentials/access.ts';
import { listConnections } from '../../src/credentials/credential-store.ts';
import { raiseVersions } from '../../src/credentials/restoration.ts';
import {
  disconnectCredential,
  findPendingRevocation,
  forgetConnections,
  listPendingRevocations,
} from '../../src/credentials/retirement/disconnect-credential.ts';
import { takeIdleGrants } from '../../src/credentials/retirement/idle-grant-store.ts';
import {
  countDueWaiters,
  listDueWaiters,
  listLostResumptions,
  registerWaiter,
} from '../../src/credentials/waiters/waiter-store.ts';
import { inTransaction } from '../../src/db/pool.ts';
import { patchRow, readTokens, readVersions } from './credential-row.ts';
import { endpointTest } from './fixtures.ts';
import { tokens } from './refresh/scripted-token-endpoint.ts';

/** Two accounts of one user at one server, with tokens of their own. */
const test = endpointTest
  .extend('accounts', ({ key }) => ({ first: key, second: { ...key, account: 'work' } }))
  .extend('connected', async ({ accounts, endpoint, fixture }) => {
    const deposit = { tokenEndpoint: endpoint.url, expiresIn: 3600 };
    await fixture.deposit(accounts.first, { ...deposit, refreshToken: 'r-one', accessToken: 'a-one' });
    await fixture.deposit(accounts.second, {
      ...deposit,
      refreshToken: 'r-two',
      accessToken: 'a-two',
      label: 'At work',
    });
    return accounts;
  });

describe('two accounts of one user at one server', () => {
  test('have their own tokens and versions, and are listed by name', async ({ connected, fixture }) => {
    const { first, second } = connected;
    await fixture.deposit(second, { refreshToken: 'r-three', accessToken: 'a-three' });

    expect(await readAccess(fixture.dependencies, first)).toMatchObject({ bearerToken: 'a-one' });
    expect(await readAccess(fixture.dependencies, second)).toMatchObject({ bearerToken: 'a-three' });
    expect(await listConnections(fixture.pool, first.userId)).toMatchObject([
      { account: 'default', version: 1 },
      { account: 'work', version: 2 },
    ]);
    const third = { ...first, account: 'home' };
    expect(await readAccess(fixture.dependencies, third)).toMatchObject({
      kind: 'reauth-required',
      reason: 'not-connected',
    });
  });

  test('may hold the same refresh token: each recognizes it by itself', async ({ connected, fixture }) => {
    const deposit = { refreshToken: 'r-one', accessToken: 'a-one' };
    expect(await fixture.deposit(connected.second, deposit)).toMatchObject({ changed: true, version: 2 });
    expect((await readTokens(fixture, connected.second)).grant).toMatchObject({ refreshToken: 'r-one' });
  });

  test('are renewed one without the other', async ({ connected, endpoint, fixture }) => {
    const { first, second } = connected;
    endpoint.answer(tokens({ access_token: 'a-new', refresh_token: 'r-new' }));

    await fixture.renewal.renew(second, await readVersions(fixture.pool, second));

    expect(endpoint.seen.map(({ body }) => body.get('refresh_token'))).toEqual(['r-two']);
    expect(await readTokens(fixture, second)).toMatchObject({
      grant: { refreshToken: 'r-new' },
      accessToken: 'a-new',
    });
    expect(await readTokens(fixture, first)).toMatchObject({
      grant: { refreshToken: 'r-one' },
      accessToken: 'a-one',
    });
    expect(await readVersions(fixture.pool, first)).toEqual({ credentialVersion: 1, tokenVersion: 1 });
  });

  test('are disconnected one without the other, and revoked one by one', async ({ connected, fixture }) => {
    const { first, second } = connected;

    expect(await disconnectCredential(fixture.pool, second)).toBe(2);

    expect(await readAccess(fixture.dependencies, first)).toMatchObject({ bearerToken: 'a-one' });
    expect(await readAccess(fixture.dependencies, second)).toMatchObject({ reason: 'not-connected' });
    expect(await findPendingRevocation(fixture.pool, first)).toBeUndefined();
    expect(await findPendingRevocation(fixture.pool, second)).toBeDefined();
    expect(await listPendingRevocations(fixture.pool, 10, first.userId)).toEqual([{ ...second, version: 2 }]);
  });

  test('are both forgotten with their user', async ({ connected, fixture }) => {
    const { first, second } = connected;

    const forgotten = await inTransaction(fixture.pool, (db) => forgetConnections(db, first.userId));

    expect(forgotten).toEqual(
      expect.arrayContaining([
        { ...first, version: 2 },
        { ...second, version: 2 },
      ]),
    );
  });

  test('wake the steps of their own account only', async ({ connected, fixture }) => {
    const { first, second } = connected;
    await registerWaiter(fixture.pool, {
      ...first,
      workflowId: `${first.userId}/1`,
      stepId: '1',
      seenVersion: 1,
    });
    await registerWaiter(fixture.pool, {
      ...second,
      workflowId: `${first.userId}/2`,
      stepId: '2',
      seenVersion: 1,
    });

    const deposited = await fixture.deposit(second, { refreshToken: 'r-four' });

    expect(deposited).toMatchObject({ version: 2, resuming: 1 });
    expect(fixture.resumptions.filter(({ userId }) => userId === first.userId)).toEqual([
      { ...second, version: 2 },
    ]);
    expect(await countDueWaiters(fixture.pool, first, 2)).toBe(1);
    // The claimed version of the other account is above what was deposited for this one.
    expect(await listDueWaiters(fixture.pool, first, 2, { after: '', limit: 10 })).toEqual([]);
    expect(await listDueWaiters(fixture.pool, second, 2, { after: '', limit: 10 })).toHaveLength(1);
    const lost = await listLostResumptions(fixture.pool, 1_000);
    expect(lost.filter(({ userId }) => userId === first.userId)).toEqual([{ ...second, version: 2 }]);
  });

  test('are renewed for idleness one by one', async ({ fixture, key }) => {
    const server = await fixture.register({ auth: { type: 'oauth2', idleLimit: '30 days' } });
    const first = { ...key, mcpServerId: server.id };
    const second = { ...first, account: 'work' };
    await fixture.deposit(first, { refreshToken: 'r-one' });
    await fixture.deposit(second, { refreshToken: 'r-two' });
    await patchRow(fixture.pool, second, "grant_used_at = now() - interval '29 days'");

    const taken = await takeIdleGrants(fixture.pool, server.id, { again: false, limit: 10 });

    expect(taken).toEqual([{ key: second, seen: { credentialVersion: 1, tokenVersion: 1 } }]);
  });

  test('both get higher versions after a restoration', async ({ connected, fixture }) => {
    await raiseVersions(fixture.pool);

    const connections = await listConnections(fixture.pool, connected.first.userId);
    expect(connections.map(({ account, version }) => [account, version > 1])).toEqual([
      ['default', true],
      ['work', true],
    ]);
  });
});
