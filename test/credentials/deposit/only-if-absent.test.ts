import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { listConnections } from '../../../src/credentials/credential-store.ts';
import { MAX_SPENT_FINGERPRINTS } from '../../../src/credentials/refresh/renewal-store.ts';
import {
  disconnectCredential,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { wipeUser } from '../../../src/operations/wipe-user.ts';
import { readRow } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';

const ALREADY_CONNECTED = { kind: 'already-connected' } as const;
const DISCONNECTED = { kind: 'disconnected' };
const TOKENS = Array.from({ length: 8 }, (_, index) => `r-${index}`);

const test = credentialTest
  .extend('audited', ({ fixture }) => async ({ userId }: CredentialKey) => {
    const { rows } = await fixture.pool.query('SELECT action FROM mcp_audit_event WHERE user_id = $1', [
      userId,
    ]);
    return rows.map(({ action }) => action);
  })
  .extend('waiting', ({ fixture }) => async (key: CredentialKey) => {
    const { userId, mcpServerId } = key;
    const stepId = 's1';
    const workflowId = `step/${userId}/${stepId}`;
    await registerWaiter(fixture.pool, { userId, mcpServerId, stepId, workflowId, seenVersion: 0 });
  });

describe('a deposit that is only for an absent connection', () => {
  test('is stored as the first one', async ({ fixture, key }) => {
    expect(await fixture.deposit(key, { onlyIfAbsent: true })).toMatchObject({ kind: 'stored', version: 1 });
  });

  test.for([
    ['another token', { refreshToken: 'older' }],
    ['the same token and another scope', { refreshToken: 'r1', scopes: 'wider' }],
    ['another subject', { refreshToken: 'r1', subject: 'p2' }],
    ['another subject, to be replaced', { refreshToken: 'older', subject: 'p2', replace: true }],
  ] as const)('leaves a connection as it is: %s', async ([, deposit], { fixture, key, waiting, audited }) => {
    await fixture.deposit(key, { subject: 'p1' });
    await waiting(key);
    const stored = await readRow(fixture.pool, key);
    const [events, resumptions] = [await audited(key), fixture.resumptions.length];

    expect(await fixture.deposit(key, { ...deposit, onlyIfAbsent: true })).toEqual(ALREADY_CONNECTED);

    expect(await readRow(fixture.pool, key)).toEqual(stored);
    expect(await audited(key)).toEqual(events);
    expect(fixture.resumptions).toHaveLength(resumptions);
  });

  test('is stored if the connection needs its user', async ({ fixture, key }) => {
    await fixture.deposit(key, {});
    await fixture.pool.query(
      "UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE user_id = $1",
      [key.userId],
    );
    const outcome = await fixture.deposit(key, { refreshToken: 'newer', onlyIfAbsent: true });
    expect(outcome).toMatchObject({ kind: 'stored', changed: true, version: 2 });
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
  });

  test.for([
    ['client-secret-expired', ALREADY_CONNECTED],
    ['invalid-grant', { kind: 'stored', changed: true }],
  ] as const)(
    'that may be of a forgotten spent token is not stored while the grant is good: %s',
    async ([reason, outcome], { fixture, key }) => {
      await fixture.deposit(key, {});
      await fixture.pool.query(
        `UPDATE mcp_credential SET status = 'reauth-required', reason = $2, spent_fingerprints =
           (SELECT array_agg(refresh_fingerprint || n) FROM generate_series(1, $3) n) WHERE user_id = $1`,
        [key.userId, reason, MAX_SPENT_FINGERPRINTS],
      );
      const exported = { refreshToken: 'exported', onlyIfAbsent: true };
      expect(await fixture.deposit(key, exported)).toMatchObject(outcome);
    },
  );

  test('is stored if the connection was for another registration of the server', async ({ fixture }) => {
    const own = fixture.newKey(await fixture.register());
    await fixture.deposit(own, {});
    const auth = { type: 'oauth2' as const, authorizationServer: 'http://127.0.0.1:8' };
    await fixture.register({ auth }, own.mcpServerId);
    expect(await listConnections(fixture.pool, own.userId)).toMatchObject([
      { state: { reason: 'server-changed' } },
    ]);
    const deposit = { tokenEndpoint: 'http://127.0.0.1:8/token', onlyIfAbsent: true };
    expect(await fixture.deposit(own, deposit)).toMatchObject({ kind: 'stored', version: 2 });
  });

  test('still minds the subject of a connection that needs its user', async ({ fixture, key }) => {
    await fixture.deposit(key, { subject: 'p1' });
    await fixture.pool.query(
      "UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE user_id = $1",
      [key.userId],
    );
    const deposit = { refreshToken: 'newer', subject: 'p2', onlyIfAbsent: true };
    expect(await fixture.deposit(key, deposit)).toEqual({ kind: 'account-mismatch' });
  });
});

describe('a deposit with a condition, after a disconnect', () => {
  const CONDITIONS = [{ onlyIfAbsent: true }, { unlessDisconnected: true }];

  test.for(CONDITIONS)('leaves %j the grant to be revoked', async (condition, { fixture, key }) => {
    await fixture.deposit(key, { refreshToken: 'r1' });
    await disconnectCredential(fixture.pool, key);
    const pending = await findPendingRevocation(fixture.pool, key);
    expect(pending).toBeDefined();
    for (const refreshToken of ['r1', 'r2']) {
      expect(await fixture.deposit(key, { refreshToken, ...condition })).toEqual(DISCONNECTED);
    }
    expect(await findPendingRevocation(fixture.pool, key)).toBe(pending);
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'disconnected' });
  });

  test.for(CONDITIONS)('is not stored %j once the tombstone is gone', async (condition, { fixture, key }) => {
    await fixture.deposit(key, {});
    await disconnectCredential(fixture.pool, key);
    await fixture.pool.query('DELETE FROM mcp_credential WHERE user_id = $1', [key.userId]);
    expect(await fixture.deposit(key, condition)).toEqual(DISCONNECTED);
    const other = { ...condition, account: 'other' };
    expect(await fixture.deposit(key, other)).toMatchObject({ kind: 'stored' });
  });

  test.for(CONDITIONS)('is not stored %j for a forgotten user', async (condition, { fixture, key }) => {
    await fixture.deposit(key, {});
    await wipeUser(fixture.pool, key.userId, 0);
    expect(await fixture.deposit(key, condition)).toEqual(DISCONNECTED);
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'disconnected' });
    await fixture.pool.query('DELETE FROM mcp_credential WHERE user_id = $1', [key.userId]);
    for (const account of ['default', 'other']) {
      expect(await fixture.deposit(key, { ...condition, account })).toEqual(DISCONNECTED);
    }
  });

  test('is stored for a connection that the user has made since', async ({ fixture, key }) => {
    await fixture.deposit(key, {});
    await disconnectCredential(fixture.pool, key);
    expect(await fixture.deposit(key, {})).toMatchObject({ kind: 'stored', version: 3 });
    const newer = { refreshToken: 'r2', unlessDisconnected: true };
    expect(await fixture.deposit(key, newer)).toMatchObject({ kind: 'stored', version: 4 });
  });
});

describe('of several deposits at once for an absent connection', () => {
  test('one is stored', async ({ fixture, key }) => {
    const outcomes = await Promise.all(
      TOKENS.map((refreshToken) => fixture.deposit(key, { refreshToken, onlyIfAbsent: true })),
    );
    expect(outcomes.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'already-connected')).toHaveLength(TOKENS.length - 1);
    expect(await readRow(fixture.pool, key)).toMatchObject({ credentialVersion: 1 });
  });

  // The negative control: clients that look first and deposit then all see that there is none.
  test('all are stored if the clients check by themselves', async ({ fixture, key }) => {
    const looks = await Promise.all(TOKENS.map(() => listConnections(fixture.pool, key.userId)));
    expect(looks.flat()).toEqual([]);
    const outcomes = await Promise.all(TOKENS.map((refreshToken) => fixture.deposit(key, { refreshToken })));
    expect(outcomes.every(({ kind }) => kind === 'stored')).toBe(true);
    expect(await readRow(fixture.pool, key)).toMatchObject({ credentialVersion: TOKENS.length });
  });
});

describe('a deposit that is only validated', () => {
  test('says what it would do and stores nothing', async ({ fixture, key, waiting, audited }) => {
    await waiting(key);
    const outcome = await fixture.deposit(key, { validateOnly: true });
    expect(outcome).toEqual({ kind: 'valid', changed: true, version: 1, resuming: 1 });
    await expect(readRow(fixture.pool, key)).rejects.toThrow();
    expect(await audited(key)).toEqual([]);
    expect(fixture.resumptions).not.toContainEqual(expect.objectContaining(key));
  });

  test('changes no stored connection', async ({ fixture, key }) => {
    await fixture.deposit(key, { subject: 'p1' });
    const stored = await readRow(fixture.pool, key);
    const deposits = [
      [{ refreshToken: 'r2' }, { kind: 'valid', changed: true, version: 2 }],
      [
        { refreshToken: 'r1', scopes: 'read' },
        { kind: 'valid', changed: true, version: 2 },
      ],
      [{ refreshToken: 'r1' }, { kind: 'valid', changed: false, version: 1 }],
      [{ refreshToken: 'r2', onlyIfAbsent: true }, ALREADY_CONNECTED],
      [{ refreshToken: 'r2', subject: 'p2' }, { kind: 'account-mismatch' }],
    ] as const;
    for (const [deposit, outcome] of deposits) {
      expect(await fixture.deposit(key, { ...deposit, validateOnly: true })).toMatchObject(outcome);
    }
    expect(await readRow(fixture.pool, key)).toEqual(stored);
  });

  test('is refused like one that is stored', async ({ fixture, key }) => {
    const outcome = await fixture.deposit({ ...key, mcpServerId: 'not-registered' }, { validateOnly: true });
    expect(outcome).toEqual({ kind: 'unknown-server' });
  });
});
