import { describe, expect } from 'vitest';
import { listConnections } from '../../../src/credentials/credential-store.ts';
import {
  disconnectCredential,
  listPendingRevocations,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { revokePending } from '../../../src/credentials/retirement/revoke-pending.ts';
import { readRow, readTokens } from '../credential-row.ts';
import { oidcTest as test } from '../fixtures.ts';

describe('a disconnect', () => {
  test('leaves a tombstone without tokens', async ({ fixture, key }) => {
    expect(await disconnectCredential(fixture.pool, key)).toBe(2);

    expect(await readTokens(fixture, key)).toEqual({});
    const versions = { credentialVersion: 2, tokenVersion: 2 };
    expect(await readRow(fixture.pool, key)).toMatchObject({
      status: 'disconnected',
      reason: null,
      ...versions,
    });
    expect(await listConnections(fixture.pool, key.userId)).toEqual([]);
    const outcome = await fixture.renew(key);
    expect(outcome).toEqual({ kind: 'reauth-required', seen: versions, reason: 'not-connected' });
  });

  test('happens once, and only where there is something to disconnect', async ({ fixture, key }) => {
    await disconnectCredential(fixture.pool, key);

    expect(await disconnectCredential(fixture.pool, key)).toBeUndefined();
    expect(await disconnectCredential(fixture.pool, fixture.newKey(fixture.server))).toBeUndefined();
  });

  test('leaves everybody else connected', async ({ fixture, key }) => {
    const another = await fixture.connect();

    await disconnectCredential(fixture.pool, key);

    expect(await fixture.renew(another)).toMatchObject({ kind: 'renewed' });
  });

  test('is listed for revocation until the authorization server has revoked the whole grant', async ({
    fixture,
    key,
  }) => {
    const { issuer } = fixture.authorizationServer;
    const deposit = { ...(await fixture.consent(key)), issuer };
    await fixture.deposit(key, deposit);
    expect(await fixture.isAlive(key)).toBe(true);
    const version = await disconnectCredential(fixture.pool, key);
    expect(await listPendingRevocations(fixture.pool, 10)).toContainEqual({ ...key, version });

    expect(await revokePending(fixture.dependencies, key)).toBe('revoked');

    expect(await listPendingRevocations(fixture.pool, 10)).not.toContainEqual({ ...key, version });
    await fixture.deposit(key, deposit);
    expect(await fixture.isAlive(key)).toBe(false);
    expect(await fixture.renew(key)).toMatchObject({ reason: 'invalid-grant' });
  });
});
