import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { readAccess } from '../../../src/credentials/access.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { patchRow, readTokens } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';

const MISMATCH = { kind: 'account-mismatch' };

const test = credentialTest
  .extend('identity', ({ fixture }) => async (key: CredentialKey) => {
    const { rows } = await fixture.pool.query(
      'SELECT label, subject FROM mcp_credential WHERE user_id = $1 AND account = $2',
      [key.userId, key.account ?? 'default'],
    );
    return rows[0];
  })
  /** The account of the person `p1` at the provider. */
  .extend('connected', async ({ fixture, key }) => {
    const deposit = { refreshToken: 'r1', accessToken: 'a1', subject: 'p1', label: 'p1@example.com' };
    expect(await fixture.deposit(key, deposit)).toMatchObject({ kind: 'stored', version: 1 });
    return key;
  });

describe('a deposit for another person at the provider', () => {
  test.for([
    ['of another refresh token', { refreshToken: 'r2' }],
    ['of the same refresh token', { refreshToken: 'r1' }],
  ] as const)(
    'stores nothing and wakes no step: %s',
    async ([_, deposit], { connected, fixture, identity }) => {
      const workflowId = `${connected.userId}/w`;
      await registerWaiter(fixture.pool, { ...connected, workflowId, stepId: 'w', seenVersion: 1 });

      const refused = await fixture.deposit(connected, { ...deposit, accessToken: 'a2', subject: 'p2' });

      expect(refused).toEqual(MISMATCH);
      expect(await identity(connected)).toEqual({ label: 'p1@example.com', subject: 'p1' });
      expect(await readAccess(fixture.dependencies, connected)).toMatchObject({ bearerToken: 'a1' });
      expect(fixture.resumptions.filter(({ userId }) => userId === connected.userId)).toEqual([]);
    },
  );

  test('is refused also while the connection needs its user', async ({ connected, fixture }) => {
    await patchRow(fixture.pool, connected, "status = 'reauth-required', reason = 'invalid-grant'");
    expect(await fixture.deposit(connected, { refreshToken: 'r2', subject: 'p2' })).toEqual(MISMATCH);
  });

  test('replaces the connection if it says so', async ({ connected, fixture, identity }) => {
    const deposit = { refreshToken: 'r2', accessToken: 'a2', subject: 'p2', replace: true };
    expect(await fixture.deposit(connected, deposit)).toMatchObject({ changed: true, version: 2 });
    expect(await identity(connected)).toEqual({ label: null, subject: 'p2' });
    expect(await readAccess(fixture.dependencies, connected)).toMatchObject({ bearerToken: 'a2' });
  });

  test('replaces the connection with the same refresh token if it says so, without the old label', async ({
    connected,
    fixture,
    identity,
  }) => {
    const deposit = { refreshToken: 'r1', subject: 'p2', replace: true };
    expect(await fixture.deposit(connected, deposit)).toMatchObject({ changed: true, version: 2 });
    expect(await identity(connected)).toEqual({ label: null, subject: 'p2' });
  });

  test('is stored as another account', async ({ connected, fixture, identity }) => {
    const other = { ...connected, account: 'other' };
    expect(await fixture.deposit(other, { refreshToken: 'r2', subject: 'p2' })).toMatchObject({ version: 1 });
    expect(await identity(connected)).toMatchObject({ subject: 'p1' });
    expect(await identity(other)).toMatchObject({ subject: 'p2' });
  });

  test('is stored after a disconnect', async ({ connected, fixture, identity }) => {
    await disconnectCredential(fixture.pool, connected);
    expect(await identity(connected)).toEqual({ label: null, subject: null });
    expect(await fixture.deposit(connected, { refreshToken: 'r2', subject: 'p2' })).toMatchObject({
      version: 3,
    });
  });

  test('is refused if another first deposit was faster', async ({ fixture, key }) => {
    const outcomes = await Promise.all(
      ['p1', 'p2'].map((subject) => fixture.deposit(key, { refreshToken: `r-${subject}`, subject })),
    );
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['account-mismatch', 'stored']);
  });
});

describe('the stored subject and label', () => {
  test('stay if a deposit of the same grant names none, which then changes nothing', async ({
    connected,
    fixture,
    identity,
  }) => {
    const same = { refreshToken: 'r1', accessToken: 'a1' };
    expect(await fixture.deposit(connected, same)).toMatchObject({ changed: false, version: 1 });
    expect(await fixture.deposit(connected, { ...same, scopes: 'read' })).toMatchObject({ version: 2 });
    expect(await identity(connected)).toEqual({ label: 'p1@example.com', subject: 'p1' });
  });

  test('are added by a deposit of the same grant that names them', async ({ fixture, identity, key }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    const named = { refreshToken: 'r1', subject: 'p1', label: 'Me' };
    expect(await fixture.deposit(key, named)).toMatchObject({ changed: true, version: 2 });
    expect(await fixture.deposit(key, named)).toMatchObject({ changed: false, version: 2 });
    expect(await identity(key)).toEqual({ label: 'Me', subject: 'p1' });
  });

  test('go with the grant that is replaced', async ({ connected, fixture, identity }) => {
    expect(await fixture.deposit(connected, { refreshToken: 'r2' })).toMatchObject({ version: 2 });
    expect(await identity(connected)).toEqual({ label: null, subject: null });
  });

  test('are no part of what a refresh needs', async ({ connected, fixture }) => {
    const { grant } = await readTokens(fixture, connected);
    expect(grant).toEqual({ refreshToken: 'r1', tokenEndpoint: expect.any(String) });
  });
});
