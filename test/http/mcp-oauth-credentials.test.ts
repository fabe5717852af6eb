import { describe, expect } from 'vitest';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { AMBIGUOUS } from './ambiguous-urls.ts';
import { createNotesFixture, httpTestWith } from './fixtures.ts';
import { DEPOSIT, registerServer } from './http-fixture.ts';

const test = httpTestWith(async () => {
  const fixture = await createNotesFixture();
  await registerServer(fixture, 'open', { url: 'https://open.example/mcp', auth: { type: 'none' } });
  await registerServer(fixture, 'known', {
    url: 'https://known.example/mcp',
    auth: { type: 'oauth2', authorizationServer: 'https://as.known.example' },
  });
  // Nothing listens there. An admin may not register that address over HTTP under the policy of the fixture.
  await fixture.pool.query(
    "UPDATE mcp_server SET authorization_server = 'http://127.0.0.1:9' WHERE id = 'known'",
  );
  return fixture;
})
  .extend(
    'deposit',
    ({ fixture }) =>
      (body: unknown, user = 'alice') =>
        fixture.ask({
          method: 'POST',
          url: '/mcp-oauth-credentials',
          user,
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify(body),
        }),
  )
  .extend(
    'connections',
    ({ fixture }) =>
      async (user = 'alice') =>
        (await fixture.ask({ url: '/mcp-oauth-credentials', user })).json().connections,
  )
  .extend(
    'disconnect',
    ({ fixture }) =>
      (id: string, user = 'alice', query: Record<string, string> = {}) =>
        fixture.ask({
          method: 'DELETE',
          url: `/mcp-oauth-credentials/${encodeURIComponent(id)}`,
          query,
          user,
        }),
  )
  .extend('expectNothingStored', ({ fixture }) => async (): Promise<void> => {
    const { rows } = await fixture.pool.query('SELECT count(*)::int AS count FROM mcp_credential');
    expect(rows).toEqual([{ count: 0 }]);
    expect(fixture.resumed).toEqual([]);
  });

test.beforeEach(async ({ fixture }) => {
  await fixture.pool.query('DELETE FROM mcp_credential');
  await fixture.pool.query('DELETE FROM mcp_step_waiter');
  fixture.resumed.length = 0;
});

describe('a deposit', () => {
  test('is stored under the user of the token, with a version that rises', async ({
    connections,
    deposit,
  }) => {
    const first = await deposit(DEPOSIT);
    expect(first.statusCode).toBe(200);
    expect(first.json()).toEqual({ stored: true, changed: true, version: 1, resuming: 0 });
    expect((await deposit({ ...DEPOSIT, refreshToken: 'another' })).json().version).toBe(2);
    expect(await connections()).toEqual([
      {
        mcpServerId: 'notes',
        account: 'default',
        status: 'connected',
        version: 2,
        updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        waitingSteps: 0,
      },
    ]);
  });

  test('takes every field of the contract', async ({ connections, deposit }) => {
    const answer = await deposit({
      ...DEPOSIT,
      clientId: 'c',
      clientSecret: 's',
      clientSecretExpiresAt: '2030-01-01',
      tokenEndpointAuthMethod: 'client_secret_post',
      scopes: 'read write',
      accessToken: 'a'.repeat(16 * 1024),
      expiresIn: 3600,
      resource: 'https://mcp.example/mcp',
      issuer: 'https://as.example',
    });
    expect(answer.statusCode).toBe(200);
    expect(await connections()).toMatchObject([{ scopes: 'read write' }]);
  });

  test('is stored for the account that it names, whose list entry has its label but not its subject', async ({
    connections,
    deposit,
  }) => {
    const named = { account: 'work', label: 'At work', subject: 'person-1' };
    expect((await deposit({ ...DEPOSIT, ...named })).json()).toMatchObject({ version: 1 });
    expect((await deposit({ ...DEPOSIT, account: 'default' })).json()).toMatchObject({ changed: true });
    expect((await deposit(DEPOSIT)).json()).toMatchObject({ changed: false });
    const [first, second, ...more] = await connections();
    expect(first).toMatchObject({ account: 'default', version: 1 });
    expect(second).toMatchObject({ account: 'work', label: 'At work' });
    expect(JSON.stringify([first, second])).not.toMatch(/person-1|subject/);
    expect(more).toEqual([]);
  });

  test('for another subject is a 409 that stores nothing, unless it says replace', async ({
    connections,
    deposit,
  }) => {
    await deposit({ ...DEPOSIT, subject: 'person-1' });
    const other = { ...DEPOSIT, refreshToken: 'of-another', subject: 'person-2' };

    const refused = await deposit({ ...other, replace: false });

    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ code: 'account-mismatch' });
    expect(refused.body).not.toContain('person');
    expect(await connections()).toMatchObject([{ version: 1 }]);
    expect((await deposit({ ...other, replace: true })).json()).toMatchObject({ changed: true, version: 2 });
  });

  test('that is only for an absent connection is a 409 where there is one', async ({
    connections,
    deposit,
    fixture,
  }) => {
    const first = { ...DEPOSIT, onlyIfAbsent: true };
    expect((await deposit(first)).json()).toMatchObject({ stored: true, version: 1 });
    const again = await deposit({ ...first, refreshToken: 'older' });
    expect(again.statusCode).toBe(409);
    expect(again.json()).toMatchObject({ code: 'already-connected' });
    expect(await connections()).toMatchObject([{ version: 1 }]);
    expect(fixture.resumed).toEqual([]);
  });

  test('that is only for an absent connection is a 409 after a disconnect', async ({ deposit, fixture }) => {
    await deposit(DEPOSIT);
    await fixture.ask({ method: 'DELETE', url: `/mcp-oauth-credentials/${DEPOSIT.mcpServerId}` });
    for (const condition of [{ onlyIfAbsent: true }, { unlessDisconnected: true }]) {
      const refused = await deposit({ ...DEPOSIT, ...condition });
      expect(refused.statusCode).toBe(409);
      expect(refused.json()).toMatchObject({ code: 'disconnected' });
    }
  });

  test('that is only validated stores nothing', async ({ deposit, expectNothingStored }) => {
    const answer = await deposit({ ...DEPOSIT, validateOnly: true });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ stored: false, changed: true, version: 1, resuming: 0 });
    expect((await deposit({ ...DEPOSIT, mcpServerId: 'nobody', validateOnly: true })).statusCode).toBe(404);
    await expectNothingStored();
  });

  test('counts the steps that waited for it and has them resumed', async ({
    connections,
    deposit,
    fixture,
  }) => {
    for (const stepId of ['s1', 's2']) {
      await registerWaiter(fixture.pool, {
        userId: 'alice',
        mcpServerId: 'notes',
        stepId,
        workflowId: `step/alice/${stepId}`,
        seenVersion: 0,
      });
    }
    expect((await deposit(DEPOSIT, 'bob')).json().resuming).toBe(0);
    expect((await deposit(DEPOSIT)).json()).toEqual({ stored: true, changed: true, version: 1, resuming: 2 });
    expect(fixture.resumed).toEqual([{ userId: 'alice', mcpServerId: 'notes', version: 1 }]);
    expect(await connections()).toMatchObject([{ waitingSteps: 2 }]);
  });

  test('leaves no secret in answers, logs or the clear of the database', async ({ deposit, fixture }) => {
    const secrets = { refreshToken: 'rt-9d2f', clientSecret: 'cs-71ac', accessToken: 'at-55e0' };
    const answers = [
      await deposit({ ...DEPOSIT, ...secrets, clientId: 'c' }),
      await deposit({ ...DEPOSIT, ...secrets, clientId: 'c', nonsense: secrets.refreshToken }),
      await deposit({ ...DEPOSIT, ...secrets, clientId: 7 }),
      await fixture.ask({ url: '/mcp-oauth-credentials' }),
    ];
    const { rows } = await fixture.pool.query('SELECT * FROM mcp_credential');
    const everything = `${answers.map(({ body }) => body).join()}${JSON.stringify(rows)}${fixture.logged()}`;
    for (const secret of Object.values(secrets)) expect(everything).not.toContain(secret);
  });

  test.for<[string, object, string]>([
    ['an unknown field', { userId: 'bob' }, 'userId'],
    ['no server', { mcpServerId: undefined }, 'mcpServerId'],
    ['an empty server id', { mcpServerId: '' }, 'mcpServerId'],
    ['no refresh token', { refreshToken: undefined }, 'refreshToken'],
    ['an empty account', { account: '' }, 'account'],
    ['an account with a line break', { account: 'a\nb' }, 'account'],
    ['a label of 256 characters', { label: 'x'.repeat(256) }, 'label'],
    ['an empty subject', { subject: '' }, 'subject'],
    ['replace in words', { replace: 'yes' }, 'replace'],
    ['onlyIfAbsent in words', { onlyIfAbsent: 'yes' }, 'onlyIfAbsent'],
    ['an empty refresh token', { refreshToken: '' }, 'refreshToken'],
    ['no token endpoint', { tokenEndpoint: undefined }, 'tokenEndpoint'],
    ['a token endpoint that is no URL', { tokenEndpoint: 'as.example' }, 'tokenEndpoint'],
    [
      'a token endpoint that is too long',
      { tokenEndpoint: `https://as.example/${'x'.repeat(2048)}` },
      'tokenEndpoint',
    ],
    ['an empty client id', { clientId: '' }, 'clientId'],
    ['a client id that is too long', { clientId: 'x'.repeat(256) }, 'clientId'],
    ['a client secret without a client id', { clientSecret: 's' }, 'clientId'],
    ['an expiry that is no date', { clientSecretExpiresAt: 'soon' }, 'clientSecretExpiresAt'],
    ['an unknown method', { tokenEndpointAuthMethod: 'private_key_jwt' }, 'tokenEndpointAuthMethod'],
    ['scopes that are too long', { scopes: 'x'.repeat(2049) }, 'scopes'],
    ['an access token over 16 KiB', { accessToken: 'x'.repeat(16 * 1024 + 1) }, 'accessToken'],
    ['a lifetime that is no number', { accessToken: 'a', expiresIn: '3600' }, 'expiresIn'],
    ['a resource that is no URL', { resource: 'mine' }, 'resource'],
    ['a token endpoint over http', { tokenEndpoint: 'http://as.example/token' }, 'tokenEndpoint'],
    ['a token endpoint on this machine', { tokenEndpoint: 'https://127.0.0.1/token' }, 'tokenEndpoint'],
    ['a token endpoint in a private network', { tokenEndpoint: 'https://10.0.0.1/token' }, 'tokenEndpoint'],
    ['an issuer on this machine', { issuer: 'https://[::1]/' }, 'issuer'],
    ['a server without OAuth', { mcpServerId: 'open' }, 'mcpServerId'],
    ...AMBIGUOUS.map(
      (url) =>
        [`the token endpoint ${JSON.stringify(url)}`, { tokenEndpoint: url }, 'tokenEndpoint'] satisfies [
          string,
          object,
          string,
        ],
    ),
    ...AMBIGUOUS.map(
      (url) => [`the issuer ${JSON.stringify(url)}`, { issuer: url }, 'issuer'] as [string, object, string],
    ),
    [
      'a user name at the origin of the registered authorization server',
      { mcpServerId: 'known', tokenEndpoint: 'http://user@127.0.0.1:9/token' },
      'tokenEndpoint',
    ],
    [
      'a backslash at the origin of the registered authorization server',
      { mcpServerId: 'known', tokenEndpoint: 'http://127.0.0.1:9\\token' },
      'tokenEndpoint',
    ],
    ['a resource with a fragment', { resource: 'https://mcp.example/mcp#a' }, 'resource'],
    ['a resource with a backslash', { resource: 'https://mcp.example\\mcp' }, 'resource'],
  ])(
    'is refused with %s, and nothing is stored',
    async ([_what, change, path], { deposit, expectNothingStored }) => {
      const answer = await deposit({ ...DEPOSIT, ...change });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
      expect(answer.json().errors.map((error: { path: string }) => error.path)).toContain(path);
      await expectNothingStored();
    },
  );

  test('whose token endpoint can’t be checked now is a 503, and nothing is stored', async ({
    deposit,
    expectNothingStored,
  }) => {
    const answer = await deposit({ ...DEPOSIT, mcpServerId: 'known' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json().code).toBe('token-endpoint-unavailable');
    expect(answer.headers['retry-after']).toBe('10');
    await expectNothingStored();
  });

  test('that is repeated says that nothing has changed', async ({ deposit }) => {
    await deposit(DEPOSIT);
    const again = await deposit(DEPOSIT);
    expect(again.json()).toEqual({ stored: true, changed: false, version: 1, resuming: 0 });
    const amended = await deposit({ ...DEPOSIT, scopes: 'read' });
    expect(amended.json()).toEqual({ stored: true, changed: true, version: 2, resuming: 0 });
  });

  test('for a server that is not registered is a 404, and nothing is stored', async ({
    deposit,
    expectNothingStored,
  }) => {
    const answer = await deposit({ ...DEPOSIT, mcpServerId: 'nobody' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json().code).toBe('unknown-server');
    await expectNothingStored();
  });

  test('is a 400 with text that Postgres cannot store', async ({ deposit, expectNothingStored }) => {
    expect((await deposit({ ...DEPOSIT, scopes: 'a\u0000b' })).statusCode).toBe(400);
    await expectNothingStored();
  });
});

describe('connections', () => {
  test('are those of the user alone', async ({ connections, deposit }) => {
    await deposit(DEPOSIT, 'alice');
    expect(await connections('bob')).toEqual([]);
    expect(await connections('alice')).toHaveLength(1);
  });

  test('say why they need reauthorization', async ({ connections, deposit, fixture }) => {
    await deposit(DEPOSIT);
    await fixture.pool.query(
      "UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant'",
    );
    expect(await connections()).toMatchObject([{ status: 'reauth-required', reason: 'invalid-grant' }]);
  });

  test('are absent once disconnected, and their version goes on from where it was', async ({
    connections,
    deposit,
    disconnect,
  }) => {
    await deposit(DEPOSIT);
    const gone = await disconnect('notes');
    expect([gone.statusCode, gone.body]).toEqual([204, '']);
    expect(await connections()).toEqual([]);
    expect((await deposit({ ...DEPOSIT, refreshToken: 'next' })).json().version).toBe(3);
  });

  test('are disconnected by account, by default the default one', async ({
    connections,
    deposit,
    disconnect,
  }) => {
    for (const account of ['default', 'work', 'home']) await deposit({ ...DEPOSIT, account });
    const accounts = async () => (await connections()).map(({ account }: { account: string }) => account);

    expect((await disconnect('notes', 'alice', { account: 'work' })).statusCode).toBe(204);
    expect(await accounts()).toEqual(['default', 'home']);
    expect((await disconnect('notes')).statusCode).toBe(204);
    expect(await accounts()).toEqual(['home']);
    expect((await disconnect('notes', 'alice', { account: '' })).statusCode).toBe(400);
    expect((await disconnect('notes', 'alice', { accounts: 'home' })).statusCode).toBe(400);
  });

  test('can be disconnected when there are none', async ({ disconnect }) => {
    expect((await disconnect('notes')).statusCode).toBe(204);
    expect((await disconnect('never registered')).statusCode).toBe(204);
  });

  test('cannot be disconnected by another user', async ({ connections, deposit, disconnect }) => {
    await deposit(DEPOSIT, 'alice');
    expect((await disconnect('notes', 'bob')).statusCode).toBe(204);
    expect(await connections('alice')).toMatchObject([{ status: 'connected', version: 1 }]);
  });

  test('are not disconnected under an invalid id', async ({ disconnect }) => {
    expect((await disconnect('x'.repeat(256))).statusCode).toBe(400);
  });

  test('can be disconnected by clients that send a content type without a body', async ({ fixture }) => {
    const answer = await fixture.ask({
      method: 'DELETE',
      url: '/mcp-oauth-credentials/notes',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(204);
  });
});
