import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { createRenewal } from '../../../src/credentials/refresh/renewal.ts';
import {
  disconnectCredential,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import type { Db } from '../../../src/db/pool.ts';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import { type CredentialFixture, createCredentialFixture } from '../../credentials/credential-fixture.ts';
import { patchRow, readRow, readTokens, readVersions } from '../../credentials/credential-row.ts';
import {
  heldBack,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  type TokenReply,
  tokens,
} from '../../credentials/refresh/scripted-token-endpoint.ts';
import { AMENDED_WRITE_BACK, without } from './removed-guards.ts';

// The token endpoint has rotated r1 and holds its answer back, when the user's platform deposits r1 once more with
// another field. What the refresh brings is the only good token.

let fixture: CredentialFixture;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

const ROTATED = tokens({ access_token: 'a2', refresh_token: 'r2' });

interface Race {
  key: CredentialKey;
  endpoint: ScriptedTokenEndpoint;
  deposit: (change?: Partial<Deposit>) => ReturnType<CredentialFixture['deposit']>;
}

/** @param meanwhile while the answer is held back */
async function race(
  reply: TokenReply,
  meanwhile: (race: Race) => Promise<unknown>,
  db: (own: Db) => Db = (own) => own,
  first: Partial<Deposit> = {},
) {
  const endpoint = await startScriptedTokenEndpoint();
  const key = fixture.newKey(await fixture.register());
  const deposit = (change: Partial<Deposit> = {}) =>
    fixture.deposit(key, {
      refreshToken: 'r1',
      tokenEndpoint: endpoint.url,
      clientId: 'c',
      scopes: 'read',
      ...change,
    });
  await deposit(first);
  const held = heldBack(reply);
  endpoint.answer(held.reply);
  const renewal = createRenewal({ ...fixture.dependencies, db: db(fixture.pool) });
  const renewing = renewal.renew(key, await readVersions(fixture.pool, key));
  await endpoint.arrived(1);
  const said = await meanwhile({ key, endpoint, deposit });
  held.letGo();
  const outcome = await renewing;
  const sent = () => endpoint.seen.map(({ body }) => body);
  const renewOnce = async () => fixture.renewal.renew(key, await readVersions(fixture.pool, key));
  return { key, endpoint, said, outcome, sent, renewOnce, stop: () => endpoint.stop() };
}

describe('a refresh under way when its own token is deposited with another field', () => {
  test.each([
    ['clientSecret', { clientSecret: 's2' }, { clientSecret: 's2' }],
    ['issuer', { issuer: 'http://127.0.0.1:9/' }, { issuer: 'http://127.0.0.1:9/' }],
    [
      'tokenEndpointAuthMethod',
      { clientSecret: 's', tokenEndpointAuthMethod: 'client_secret_post' as const },
      {},
    ],
  ])('stores its tokens together with the new %s', async (_field, change, stored) => {
    const { key, said, outcome, stop } = await race(ROTATED, ({ deposit }) => deposit(change));

    expect(said).toMatchObject({ changed: true, version: 2 });
    expect(outcome).toMatchObject({ kind: 'renewed', versions: { credentialVersion: 2 } });
    const { grant, accessToken } = await readTokens(fixture, key);
    expect(grant).toMatchObject({ refreshToken: 'r2', ...change, ...stored });
    expect(accessToken).toBe('a2');
    expect(await readRow(fixture.pool, key)).toMatchObject({ isLeased: false, grantSeq: 1, storedSeq: 1 });
    await stop();
  });

  test('is followed by one with the new scopes where those have changed', async () => {
    const { key, outcome, renewOnce, endpoint, sent, stop } = await race(ROTATED, ({ deposit }) =>
      deposit({ scopes: 'read write' }),
    );
    expect(outcome).toEqual({ kind: 'busy' });
    expect((await readTokens(fixture, key)).accessToken).toBeUndefined();
    endpoint.answer(tokens({ access_token: 'a3', refresh_token: 'r3' }));

    expect(await renewOnce()).toMatchObject({ kind: 'renewed' });

    expect(sent().map((body) => [body.get('refresh_token'), body.get('scope')])).toEqual([
      ['r1', 'read'],
      ['r2', 'read write'],
    ]);
    await stop();
  });

  test('keeps the access token that was deposited', async () => {
    const { key, outcome, stop } = await race(ROTATED, ({ deposit }) =>
      deposit({ scopes: 'read write', accessToken: 'wide' }),
    );

    expect(outcome).toMatchObject({ kind: 'renewed' });
    const { grant, accessToken } = await readTokens(fixture, key);
    expect([grant?.refreshToken, accessToken]).toEqual(['r2', 'wide']);
    await stop();
  });

  test.each<[string, Partial<Deposit>, string | undefined, string]>([
    ['stores its own', { clientSecret: 's2' }, 'a2', 'renewed'],
    ['stores none, as other scopes are to be asked for', { scopes: 'read write' }, undefined, 'busy'],
  ])('%s where the access token of before is deposited again', async (_what, change, expected, kind) => {
    const A1 = { accessToken: 'a1', expiresIn: 3600 };
    const { key, outcome, stop } = await race(
      ROTATED,
      ({ deposit }) => deposit({ ...A1, ...change }),
      undefined,
      A1,
    );

    expect(outcome).toMatchObject({ kind });
    expect((await readTokens(fixture, key)).accessToken).toBe(expected);
    await stop();
  });

  test('stores its access token where the one that was deposited is due meanwhile', async () => {
    const { key, outcome, stop } = await race(ROTATED, async ({ key, deposit }) => {
      await deposit({ clientSecret: 's2', accessToken: 'a9', expiresIn: 3600 });
      await patchRow(fixture.pool, key, "renew_after = clock_timestamp() - interval '1 min'");
    });

    expect(outcome).toMatchObject({ kind: 'renewed' });
    expect((await readTokens(fixture, key)).accessToken).toBe('a2');
    await stop();
  });

  test('survives several changes, and the last one counts', async () => {
    const { key, stop } = await race(ROTATED, async ({ deposit }) => {
      await deposit({ clientSecret: 's2' });
      await deposit({ clientSecret: 's3' });
    });

    expect((await readTokens(fixture, key)).grant).toMatchObject({ refreshToken: 'r2', clientSecret: 's3' });
    await stop();
  });

  test('prevents other processes from sending the token a second time', async () => {
    const { endpoint, stop } = await race(ROTATED, async ({ key, deposit, endpoint }) => {
      await deposit({ clientSecret: 's2' });
      const other = fixture.anotherProcess().renewal;
      expect(await other.renew(key, await readVersions(fixture.pool, key))).toEqual({ kind: 'busy' });
      expect(endpoint.seen).toHaveLength(1);
    });

    expect(endpoint.seen).toHaveLength(1);
    await stop();
  });

  test('does not mark the deposited credential `reauth-required` when it is refused', async () => {
    const { key, outcome, renewOnce, endpoint, stop } = await race(
      oauthError('invalid_grant'),
      ({ deposit }) => deposit({ clientSecret: 's2' }),
    );
    expect(outcome).toEqual({ kind: 'busy' });
    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected', grantSeq: 0 });
    endpoint.answer(oauthError('invalid_grant'));

    expect(await renewOnce()).toMatchObject({ kind: 'reauth-required', reason: 'invalid-grant' });
    await stop();
  });

  test('leaves no intent behind when it is not sent', async () => {
    const { key, stop } = await race(raw(429, ''), ({ deposit }) => deposit({ clientSecret: 's2' }));

    expect(await readRow(fixture.pool, key)).toMatchObject({ grantSeq: 0, storedSeq: 0 });
    await stop();
  });

  test('brings tokens that are revoked when the user disconnects after it', async () => {
    const { key, stop } = await race(ROTATED, async ({ key, deposit }) => {
      await deposit({ clientSecret: 's2' });
      await disconnectCredential(fixture.pool, key);
    });

    const jwe = await findPendingRevocation(fixture.pool, key);
    const opened = await fixture.vault.open('grant', key, jwe ?? '');
    expect(opened).toMatchObject({ plaintext: expect.stringContaining('"r2"') });
    await stop();
  });

  test('is dropped when another token is deposited after it', async () => {
    const { key, stop } = await race(ROTATED, async ({ deposit }) => {
      await deposit({ clientSecret: 's2' });
      await deposit({ refreshToken: 'new' });
    });

    expect((await readTokens(fixture, key)).grant).toMatchObject({ refreshToken: 'new' });
    await stop();
  });

  test('of a row that was removed and created again is dropped', async () => {
    const { key, stop } = await race(ROTATED, async ({ key, deposit }) => {
      await disconnectCredential(fixture.pool, key);
      await fixture.pool.query('UPDATE mcp_version_floor SET credential_version = 7, token_version = 7');
      await fixture.pool.query('DELETE FROM mcp_credential WHERE user_id = $1', [key.userId]);
      await deposit({ refreshToken: 'new' });
    });

    expect((await readTokens(fixture, key)).grant).toMatchObject({ refreshToken: 'new' });
    await stop();
  });

  test('is dropped without the check of what the deposit has changed (negative control)', async () => {
    const { key, stop } = await race(
      ROTATED,
      ({ deposit }) => deposit({ clientSecret: 's2' }),
      (own) => without(AMENDED_WRITE_BACK, own),
    );

    expect((await readTokens(fixture, key)).grant).toMatchObject({ refreshToken: 'r1' });
    await stop();
  });

  test('is sent twice if such a deposit ends its lease (negative control)', async () => {
    const others: Promise<unknown>[] = [];
    const { endpoint, stop } = await race(ROTATED, async ({ key, deposit, endpoint }) => {
      await deposit({ clientSecret: 's2' });
      await patchRow(fixture.pool, key, 'lease_id = NULL, lease_until = NULL');
      const other = fixture.anotherProcess().renewal.renew(key, await readVersions(fixture.pool, key));
      await endpoint.arrived(2);
      // Awaited by nobody here: its answer is held back with the other one.
      others.push(other);
    });
    await Promise.all(others);

    expect(endpoint.seen.map(({ body }) => body.get('refresh_token'))).toEqual(['r1', 'r1']);
    await stop();
  });
});
