import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertRegistration } from '../../../src/connect/clients/registration-store.ts';
import { insertAuthorization } from '../../../src/connect/sessions/authorization-store.ts';
import { insertSession } from '../../../src/connect/sessions/session-store.ts';
import { type CredentialFixture, createCredentialFixture } from '../../credentials/credential-fixture.ts';
import { keysOf, newKey, rotate, totals } from './two-keys.ts';

let fixture: CredentialFixture;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

test('registered clients, authorizations and waiting consents are sealed under the new key', async () => {
  const { pool, vault, keyRing } = fixture;
  const young = newKey('k2');
  const key = { userId: 'alice', mcpServerId: 'ledger' };
  const registration = {
    issuer: 'https://as.example',
    mcpServerId: 'ledger',
    redirectUri: 'https://l.example',
  };
  await insertRegistration(pool, registration, {
    generation: 1,
    clientJwe: await vault.seal('client-registration', { mcpServerId: 'ledger' }, { clientId: 'c' }),
  });
  const session = await insertSession(pool, { key });
  if (session === undefined) throw new Error('the user has too many sessions');
  const { id } = session;
  await pool.query('UPDATE mcp_connect_session SET pending_jwe = $2 WHERE id = $1', [
    id,
    await vault.seal('pending-deposit', key, 'tokens'),
  ]);
  await insertAuthorization(pool, 'state-hash', {
    ...key,
    connectSessionId: id,
    browserHash: 'browser-hash',
    requestJwe: await vault.seal('authorization', key, 'verifier'),
  });
  expect(keyRing.primaryKid).toBe('k1');

  const outcome = await rotate(fixture, keysOf(young, ...fixture.keys));

  expect(outcome).toMatchObject({ kind: 'done', undecryptable: [] });
  expect(totals(outcome)).toMatchObject({ k1: 0 });
  const alone = keysOf(young).vault;
  const { rows } = await pool.query(
    `SELECT client_jwe, pending_jwe, request_jwe FROM mcp_client_registration, mcp_connect_session, mcp_authorization`,
  );
  const [row] = rows;
  expect(await alone.open('client-registration', { mcpServerId: 'ledger' }, row.client_jwe)).toMatchObject({
    kind: 'opened',
  });
  expect(await alone.open('pending-deposit', key, row.pending_jwe)).toEqual({
    kind: 'opened',
    plaintext: 'tokens',
  });
  expect(await alone.open('authorization', key, row.request_jwe)).toEqual({
    kind: 'opened',
    plaintext: 'verifier',
  });
});
