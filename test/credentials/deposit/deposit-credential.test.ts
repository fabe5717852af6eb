import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { recordIntent, takeLease } from '../../../src/credentials/refresh/lease-store.ts';
import { storeRenewal } from '../../../src/credentials/refresh/renewal-store.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import { registerWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { NetworkError } from '../../../src/net/network.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { createKeyRing } from '../../../src/vault/key-ring.ts';
import { patchRow, readRow, readTokens, readVersions } from '../credential-row.ts';
import { type CredentialStand, createCredentialStand } from '../credential-stand.ts';
import {
  cut,
  json,
  raw,
  startScriptedTokenEndpoint,
  type TokenReply,
} from '../refresh/scripted-token-endpoint.ts';

let stand: CredentialStand;
let server: RegisteredServer;
let key: CredentialKey;

beforeAll(async () => {
  stand = await createCredentialStand();
  server = await stand.register();
});

afterAll(() => stand.stop());

beforeEach(() => {
  key = stand.newKey(server);
});

const stored = (version: number, resuming = 0) => ({ kind: 'stored', changed: true, version, resuming });
const unchanged = (version: number, resuming = 0) => ({ ...stored(version, resuming), changed: false });

/** What a renewal does to the row: r1 is spent, `next` is current. */
async function rotate(next: string): Promise<void> {
  const lease = { key, id: crypto.randomUUID(), seen: await readVersions(stand.pool, key) };
  await takeLease(stand.pool, lease);
  const intent = await recordIntent(stand.pool, lease);
  const { grant } = await readTokens(stand, key);
  await storeRenewal(stand.pool, lease, intent ?? 0, {
    grantJwe: await stand.vault.seal('grant', key, { ...grant, refreshToken: next }),
    accessTokenJwe: await stand.vault.seal('access-token', key, 'a2'),
    renewAfterSeconds: undefined,
    scopes: undefined,
    fingerprint: stand.keyRing.fingerprint(next, key),
    spentFingerprint: stand.keyRing.fingerprint(grant?.refreshToken ?? '', key),
  });
}

async function waiter(seenVersion: number): Promise<void> {
  const workflowId = randomBytes(8).toString('hex');
  await registerWaiter(stand.pool, { ...key, workflowId, stepId: workflowId, seenVersion });
}

describe('versions', () => {
  test('the first deposit is version 1', async () => {
    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(stored(1));
  });

  test('every new deposit raises the version of credential and token', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });

    expect(await stand.deposit(key, { refreshToken: 'r2', accessToken: 'a2' })).toEqual(stored(2));

    expect(await readVersions(stand.pool, key)).toEqual({ credentialVersion: 2, tokenVersion: 2 });
    expect(await readTokens(stand, key)).toMatchObject({ grant: { refreshToken: 'r2' }, accessToken: 'a2' });
  });

  test('versions go on where they were after a disconnect', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    expect(await disconnectCredential(stand.pool, key)).toBe(2);

    expect(await stand.deposit(key, { refreshToken: 'r2' })).toEqual(stored(3));
  });

  test('two first deposits at once are two versions', async () => {
    const outcomes = await Promise.all([
      stand.deposit(key, { refreshToken: 'r1' }),
      stand.deposit(key, { refreshToken: 'r2' }),
    ]);

    expect(outcomes).toEqual(expect.arrayContaining([stored(1), stored(2)]));
  });

  test('two first deposits of one token at once are one version', async () => {
    for (let round = 0; round < 10; round += 1) {
      key = stand.newKey(server);
      const outcomes = await Promise.all(Array.from({ length: 3 }, () => stand.deposit(key, {})));
      expect(outcomes).toEqual(expect.arrayContaining([stored(1), unchanged(1)]));
      expect(outcomes.filter((one) => one.kind === 'stored' && one.changed)).toHaveLength(1);
    }
  });
});

describe('a token that is known', () => {
  test('changes nothing when it is the current one', async () => {
    const deposit = { refreshToken: 'r1', accessToken: 'a1', expiresIn: 60, scopes: 'read' };
    await stand.deposit(key, deposit);
    const before = await readTokens(stand, key);

    expect(await stand.deposit(key, deposit)).toEqual(unchanged(1));

    expect(await readTokens(stand, key)).toEqual(before);
    expect(await readRow(stand.pool, key)).toMatchObject({ status: 'connected', tokenVersion: 1 });
  });

  test('is refused quietly once a renewal has spent it', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    await rotate('r2');
    await rotate('r3');

    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(unchanged(1));
    expect(await stand.deposit(key, { refreshToken: 'r2' })).toEqual(unchanged(1));

    expect((await readTokens(stand, key)).grant).toMatchObject({ refreshToken: 'r3' });
  });

  test('is known after a new key was promoted', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    await rotate('r2');
    const rotated = createKeyRing([{ id: 'k2', bytes: randomBytes(32) }, ...stand.keys]);

    expect(await stand.deposit(key, { refreshToken: 'r1' }, rotated)).toEqual(unchanged(1));
    expect(await stand.deposit(key, { refreshToken: 'r2' }, rotated)).toEqual(unchanged(1));
    expect(await stand.deposit(key, { refreshToken: 'r3' }, rotated)).toEqual(stored(2));
  });

  test("is unknown as another user's", async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    await rotate('r2');

    expect(await stand.deposit(stand.newKey(server), { refreshToken: 'r1' })).toEqual(stored(1));
  });

  test.each([
    ['client-secret-expired', 2],
    ['undecryptable', 2],
    ['token-rejected', 2],
    ['invalid-client', 2],
    ['refresh-refused', 2],
    ['invalid-grant', 1],
    ['refresh-outcome-lost', 1],
  ])('where the reason is %s, the current one makes version %i', async (reason, version) => {
    await stand.deposit(key, { refreshToken: 'r1' });
    await patchRow(stand.pool, key, `status = 'reauth-required', reason = '${reason}'`);

    const outcome = version === 2 ? stored(2) : unchanged(1);
    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(outcome);

    const status = version === 2 ? 'connected' : 'reauth-required';
    expect(await readRow(stand.pool, key)).toMatchObject({ status });
  });

  test('does not come back after a deposit has replaced it in the middle of its refresh', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    const lease = { key, id: crypto.randomUUID(), seen: await readVersions(stand.pool, key) };
    await takeLease(stand.pool, lease);
    await recordIntent(stand.pool, lease);
    await stand.deposit(key, { refreshToken: 'r2' });

    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(unchanged(2));
  });

  test('may come back when a deposit has replaced it at rest', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    await stand.deposit(key, { refreshToken: 'r2' });

    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(stored(3));
  });
});

describe('a deposit that is refused', () => {
  test('names a server that is not registered', async () => {
    const outcome = await stand.deposit({ ...key, mcpServerId: 'nobody' }, {});

    expect(outcome).toEqual({ kind: 'unknown-server' });
    await expect(readRow(stand.pool, { ...key, mcpServerId: 'nobody' })).rejects.toThrow();
  });

  test.each([{ type: 'none' }, { type: 'bearer', token: 'static' }])(
    'is for a server that takes no OAuth credentials (%o)',
    async (auth) => {
      key = stand.newKey(await stand.register({ auth }));

      expect(await stand.deposit(key, {})).toMatchObject({ kind: 'refused', field: 'mcpServerId' });

      await expect(readRow(stand.pool, key)).rejects.toThrow();
    },
  );

  test("points beside the server's own authorization server", async () => {
    const authorizationServer = await authorizationServerAt(() => json(404, {}));
    const { origin } = new URL(authorizationServer);
    key = stand.newKey(await stand.register({ auth: { type: 'oauth2', authorizationServer } }));

    for (const tokenEndpoint of [
      'http://127.0.0.1:10/token',
      `${origin.replace('http', 'https')}/token`,
      `${origin.replace('127.0.0.1', 'localhost')}/token`,
    ]) {
      const outcome = await stand.deposit(key, { tokenEndpoint });
      expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
    }

    await expect(readRow(stand.pool, key)).rejects.toThrow();
    expect(await stand.deposit(key, { tokenEndpoint: `${origin}/elsewhere` })).toEqual(stored(1));
  });

  test.each([
    ['tokenEndpoint', { tokenEndpoint: 'http://169.254.169.254/token' }],
    ['tokenEndpoint', { tokenEndpoint: 'http://10.0.0.1/token' }],
    ['tokenEndpoint', { tokenEndpoint: 'file:///etc/passwd' }],
    ['issuer', { issuer: 'http://10.0.0.1/' }],
  ])('points to an address that users may not name, as its %s', async (field, deposit) => {
    expect(await stand.deposit(key, deposit)).toMatchObject({ kind: 'refused', field });

    await expect(readRow(stand.pool, key)).rejects.toThrow();
  });
});

describe('a token endpoint of another origin than the registered authorization server', () => {
  const ELSEWHERE = 'http://127.0.0.1:9/oauth/token?v=2';
  const naming = (token_endpoint: string) => (issuer: string) => json(200, { issuer, token_endpoint });

  async function registerFor(metadata: (issuer: string) => TokenReply): Promise<CredentialKey> {
    const authorizationServer = await authorizationServerAt(metadata);
    return stand.newKey(await stand.register({ auth: { type: 'oauth2', authorizationServer } }));
  }

  test.each([ELSEWHERE, 'HTTP://127.0.0.1:9/oauth/token?v=2'])(
    'is taken where its metadata name it, and renewals go there (%s)',
    async (tokenEndpoint) => {
      key = await registerFor(naming(ELSEWHERE));

      expect(await stand.deposit(key, { tokenEndpoint, clientId: 'c' })).toEqual(stored(1));

      const outcome = await stand.renewal.renew(key, await readVersions(stand.pool, key));
      expect(outcome).toMatchObject({ kind: 'unavailable', cause: 'connect-refused' });
      expect(stand.outbound.at(-1)).toMatchObject({ url: ELSEWHERE });
    },
  );

  test.each([
    ['another path', 'http://127.0.0.1:9/other'],
    ['another query', 'http://127.0.0.1:9/oauth/token'],
    ['another port', 'http://127.0.0.1:10/oauth/token?v=2'],
    ['another scheme', 'https://127.0.0.1:9/oauth/token?v=2'],
  ])('is refused where its metadata name one with %s', async (_what, named) => {
    key = await registerFor(naming(named));

    const outcome = await stand.deposit(key, { tokenEndpoint: ELSEWHERE });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
    await expect(readRow(stand.pool, key)).rejects.toThrow();
  });

  test.each([
    ['it publishes none', () => json(404, {})],
    ['they are not valid', () => raw(200, '<html>', { 'content-type': 'text/html' })],
    ['they are of another issuer', () => json(200, { issuer: 'https://x', token_endpoint: ELSEWHERE })],
  ])('is refused where %s', async (_what, metadata) => {
    key = await registerFor(metadata);

    const outcome = await stand.deposit(key, { tokenEndpoint: ELSEWHERE });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
  });

  test("is taken where users may not name it, because its metadata are the admin's word", async () => {
    const tokenEndpoint = 'http://10.0.0.1/token';
    key = await registerFor(naming(tokenEndpoint));

    expect(await stand.deposit(key, { tokenEndpoint })).toEqual(stored(1));

    const asked: [string, string][] = [];
    const { renewal } = stand.anotherProcess({
      guardedFetch: async (url, { addressFrom }) => {
        asked.push([String(url), addressFrom]);
        throw new NetworkError('connect-refused', false);
      },
    });
    await renewal.renew(key, await readVersions(stand.pool, key));
    expect(asked).toEqual([[tokenEndpoint, 'admin']]);
  });

  test('is refused where users may not name it, and its metadata name another', async () => {
    key = await registerFor(naming(ELSEWHERE));

    const outcome = await stand.deposit(key, { tokenEndpoint: 'http://10.0.0.1/token' });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
  });

  test.each([
    ['a 503', raw(503, '')],
    ['a 429', raw(429, '')],
    ['a cut connection', cut()],
  ])('waits for a better time where the metadata are %s: nothing is stored', async (_what, reply) => {
    let isDown = true;
    key = await registerFor((issuer) => (response, request) => {
      const answer = isDown ? reply : naming(ELSEWHERE)(issuer);
      answer(response, request);
    });

    const outcome = await stand.deposit(key, { tokenEndpoint: ELSEWHERE });

    expect(outcome).toMatchObject({ kind: 'unavailable', cause: expect.stringMatching(/^metadata-/) });
    await expect(readRow(stand.pool, key)).rejects.toThrow();
    isDown = false;
    expect(await stand.deposit(key, { tokenEndpoint: ELSEWHERE })).toEqual(stored(1));
  });

  test('is judged by the registration that there is when it is stored', async () => {
    const other = await authorizationServerAt(naming('http://127.0.0.1:9/another'));
    key = await registerFor((issuer) => async (response, request) => {
      await stand.register({ auth: { type: 'oauth2', authorizationServer: other } }, key.mcpServerId);
      naming(ELSEWHERE)(issuer)(response, request);
    });

    const outcome = await stand.deposit(key, { tokenEndpoint: ELSEWHERE });

    expect(outcome).toMatchObject({ kind: 'refused', field: 'tokenEndpoint' });
  });
});

/** An authorization server with these metadata, of the issuer that is answered. */
async function authorizationServerAt(metadata: (issuer: string) => TokenReply): Promise<string> {
  const server = await startScriptedTokenEndpoint();
  onTestFinished(() => server.stop());
  const issuer = `${server.origin}/tenant`;
  server.answer(metadata(issuer), '/.well-known/oauth-authorization-server/tenant');
  return issuer;
}

describe('a server that has changed', () => {
  const changes: [string, (id: string) => Promise<unknown>][] = [
    ['at another address', (id) => stand.register({ url: 'http://127.0.0.1:9/other' }, id)],
    [
      'with another issuer',
      (id) => stand.register({ auth: { type: 'oauth2', authorizationServer: 'http://127.0.0.1:9' } }, id),
    ],
    [
      'deleted and registered again',
      async (id) => {
        await stand.servers.remove(id);
        await stand.register({}, id);
      },
    ],
  ];

  test.each(changes)('%s: a deposit is a new one, even of the same token', async (_how, change) => {
    key = stand.newKey(await stand.register());
    await stand.deposit(key, { refreshToken: 'r1' });
    await change(key.mcpServerId);
    const renew = async () => stand.renewal.renew(key, await readVersions(stand.pool, key));
    expect(await renew()).toMatchObject({ kind: 'reauth-required', reason: 'server-changed' });

    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(stored(2));

    expect(await renew()).toMatchObject({ kind: 'unavailable' });
  });
});

describe('waiting steps', () => {
  test('are resumed when they saw an older version, and nobody starts a resumption for the others', async () => {
    await waiter(0);
    await waiter(0);
    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(stored(1, 2));
    expect(stand.resumptions.splice(0)).toEqual([{ ...key, version: 1 }]);

    key = stand.newKey(server);
    await waiter(7);
    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(stored(1, 0));
    expect(stand.resumptions).toEqual([]);
  });

  test("of other users and servers are none of a deposit's business", async () => {
    const mine = key;
    key = stand.newKey(server);
    await waiter(0);
    key = { ...mine, mcpServerId: 'another' };
    await waiter(0);

    expect(await stand.deposit(mine, { refreshToken: 'r1' })).toEqual(stored(1, 0));
  });

  test('whose resumption was lost are resumed by the same deposit again', async () => {
    await stand.deposit(key, { refreshToken: 'r1' });
    await waiter(0);

    expect(await stand.deposit(key, { refreshToken: 'r1' })).toEqual(unchanged(1, 1));

    expect(stand.resumptions.splice(0)).toEqual([{ ...key, version: 1 }]);
  });
});
