import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { listConnections } from '../../../src/credentials/credential-store.ts';
import {
  disconnectCredential,
  listPendingRevocations,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { revokePending } from '../../../src/credentials/retirement/revoke-pending.ts';
import { readRow, readTokens } from '../credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../oidc-fixture.ts';

let stand: OidcFixture;
let key: CredentialKey;

beforeAll(async () => {
  stand = await createOidcFixture();
});

afterAll(() => stand.stop());

beforeEach(async () => {
  key = await stand.connect();
});

describe('a disconnect', () => {
  test('leaves a tombstone without tokens', async () => {
    expect(await disconnectCredential(stand.pool, key)).toBe(2);

    expect(await readTokens(stand, key)).toEqual({});
    const versions = { credentialVersion: 2, tokenVersion: 2 };
    expect(await readRow(stand.pool, key)).toMatchObject({
      status: 'disconnected',
      reason: null,
      ...versions,
    });
    expect(await listConnections(stand.pool, key.userId)).toEqual([]);
    const outcome = await stand.renew(key);
    expect(outcome).toEqual({ kind: 'reauth-required', seen: versions, reason: 'not-connected' });
  });

  test('happens once, and only where there is something to disconnect', async () => {
    await disconnectCredential(stand.pool, key);

    expect(await disconnectCredential(stand.pool, key)).toBeUndefined();
    expect(await disconnectCredential(stand.pool, stand.newKey(stand.server))).toBeUndefined();
  });

  test('leaves everybody else connected', async () => {
    const another = await stand.connect();

    await disconnectCredential(stand.pool, key);

    expect(await stand.renew(another)).toMatchObject({ kind: 'renewed' });
  });

  test('is listed for revocation until the authorization server has revoked the whole grant', async () => {
    const { issuer } = stand.authorizationServer;
    const deposit = { ...(await stand.consent(key)), issuer };
    await stand.deposit(key, deposit);
    expect(await stand.isAlive(key)).toBe(true);
    const version = await disconnectCredential(stand.pool, key);
    expect(await listPendingRevocations(stand.pool, 10)).toContainEqual({ ...key, version });

    expect(await revokePending(stand.dependencies, key)).toBe('revoked');

    expect(await listPendingRevocations(stand.pool, 10)).not.toContainEqual({ ...key, version });
    await stand.deposit(key, deposit);
    expect(await stand.isAlive(key)).toBe(false);
    expect(await stand.renew(key)).toMatchObject({ reason: 'invalid-grant' });
  });
});
