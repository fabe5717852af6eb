import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect } from 'vitest';
import { chooseClient } from '../../src/connect/clients/choose-client.ts';
import { findOrRegisterClient } from '../../src/connect/clients/find-or-register-client.ts';
import { createPool } from '../../src/db/pool.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { AuthorizationServerMetadata } from '../../src/oauth/issuer-metadata.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import { answerTo, CONNECT_URL, headingOf } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import {
  json,
  type ScriptedAuthorizationServer,
  startScriptedAuthorizationServer,
} from './scripted-authorization-server.ts';

const test = connectTest
  .extend('browser', ({ fixture }) => fixture.browser())
  /** Starts an authorization server whose metadata have these changes. */
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this one depends on.
  .extend('serverWith', async ({}, { onCleanup }) => {
    const started: ScriptedAuthorizationServer[] = [];
    onCleanup(async () => {
      for (const server of started) await server.stop();
    });
    return async (changes: Record<string, unknown>) => {
      const server = await startScriptedAuthorizationServer(changes);
      started.push(server);
      return server;
    };
  })
  /** Registers a client as one process would do it. */
  .extend('register', ({ fixture, server, mcpServerId }) => {
    const metadata = { ...metadataOf(server), registrationEndpoint: `${server.issuer}/register` };
    const key = { issuer: server.issuer, mcpServerId, redirectUri: `${CONNECT_URL}/oauth/callback` };
    const deps = {
      db: fixture.pool,
      vault: fixture.vault,
      guardedFetch: createGuardedFetch({ policy: 'development' }).fetch,
      publicUrl: CONNECT_URL,
    };
    return (isRefused: (client: { clientId: string }) => boolean = () => false) =>
      findOrRegisterClient(deps, key, metadata, isRefused);
  })
  /** Lets 10 minutes pass since the registrations at the server. */
  .extend('letPass', ({ fixture, server }) => async () => {
    await fixture.pool.query(
      `UPDATE mcp_client_registration SET created_at = created_at - interval '10 minutes' WHERE issuer = $1`,
      [server.issuer],
    );
  });

function metadataOf({ issuer }: { issuer: string }): AuthorizationServerMetadata {
  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    addressFrom: 'admin',
    announcesIss: true,
    supportsClientIdMetadataDocument: false,
    source: 'metadata',
  };
}

describe('a dynamic registration', () => {
  test('is made once and used by later flows of all users', async ({ fixture, server, mcpServerId }) => {
    for (const user of ['alice', 'bob']) {
      const link = await fixture.link(mcpServerId, {}, user);
      const browser = fixture.browser();
      const away = await fixture.press(browser, link.url);
      expect(away.searchParams.get('client_id')).toBe('client-1');
      await fixture.comeBack(browser, answerTo(away, server));
      expect((await fixture.grant(user, mcpServerId))?.grant).toMatchObject({ clientId: 'client-1' });
    }
    expect(server.registrations()).toEqual([
      {
        client_name: 'Latchkey',
        client_uri: CONNECT_URL,
        redirect_uris: [`${CONNECT_URL}/oauth/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        application_type: 'web',
      },
    ]);
  });

  test('of two processes at once ends with one client, which both use', async ({
    fixture,
    server,
    register,
  }) => {
    const held: (() => void)[] = [];
    let clients = 0;
    server.answer('/register', (response, request) => {
      const client = { client_id: `client-${++clients}`, client_secret: `secret-${clients}` };
      held.push(() => json(201, client)(response, request));
      if (held.length === 2) for (const release of held) release();
    });

    const outcomes = await Promise.all([register(), register()]);

    expect(server.registrations()).toHaveLength(2);
    const ids = outcomes.map((outcome) => (outcome.kind === 'client' ? outcome.client.clientId : outcome));
    expect(new Set(ids).size).toBe(1);
    const { rows } = await fixture.pool.query(
      'SELECT generation FROM mcp_client_registration WHERE issuer = $1',
      [server.issuer],
    );
    expect(rows).toEqual([{ generation: 1 }]);
    expect(await register()).toEqual(outcomes[0]);
  });

  test('holds no connection during the request', async ({ fixture, server, register }) => {
    let isIdle = false;
    server.answer('/register', async (response, request) => {
      isIdle = fixture.pool.totalCount === fixture.pool.idleCount;
      json(201, { client_id: 'client-1' })(response, request);
    });
    await register();
    expect(isIdle).toBe(true);
  });

  test('whose secret has expired is replaced, and the old row stays', async ({
    fixture,
    server,
    register,
    letPass,
  }) => {
    const soon = Math.floor(Date.now() / 1000) + 60;
    server.answer(
      '/register',
      json(201, { client_id: 'old', client_secret: 's1', client_secret_expires_at: soon }),
    );
    expect(await register()).toMatchObject({ client: { clientId: 'old', generation: 1 } });
    server.answer(
      '/register',
      json(201, { client_id: 'new', client_secret: 's2', client_secret_expires_at: 0 }),
    );
    expect(await register()).toMatchObject({ kind: 'refused', code: 'registration-failed' });
    expect(server.registrations()).toHaveLength(1);
    await letPass();
    expect(await register()).toMatchObject({ client: { clientId: 'new', generation: 2 } });
    expect(await register()).toMatchObject({ client: { clientId: 'new', generation: 2 } });
    const { rows } = await fixture.pool.query(
      'SELECT generation, expires_at IS NULL AS forever FROM mcp_client_registration WHERE issuer = $1 ORDER BY 1',
      [server.issuer],
    );
    expect(rows).toEqual([
      { generation: 1, forever: false },
      { generation: 2, forever: true },
    ]);
  });

  test('that a stored connection shows to be refused is replaced', async ({ server, register, letPass }) => {
    server.answer('/register', json(201, { client_id: 'old' }));
    await register();
    server.answer('/register', json(201, { client_id: 'new' }));
    await letPass();
    const isRefused = (id: string) => register(({ clientId }) => clientId === id);
    expect(await isRefused('other')).toMatchObject({ client: { clientId: 'old' } });
    expect(await isRefused('old')).toMatchObject({ client: { clientId: 'new' } });
  });

  test.for(['invalid-client', 'client-secret-expired'])(
    'is made again after a connection ended with %s',
    async (reason, { fixture, server, mcpServerId, browser, letPass }) => {
      const connect = async () => {
        const link = await fixture.link(mcpServerId);
        const away = await fixture.press(browser, link.url);
        await fixture.comeBack(browser, answerTo(away, server));
        return away.searchParams.get('client_id');
      };
      expect([await connect(), await connect()]).toEqual(['client-1', 'client-1']);
      await letPass();
      await fixture.pool.query(
        `UPDATE mcp_credential SET status = 'reauth-required', reason = $2 WHERE mcp_server_id = $1`,
        [mcpServerId, reason],
      );
      expect(await connect()).toBe('client-2');
      expect((await fixture.grant('alice', mcpServerId))?.grant).toMatchObject({ clientId: 'client-2' });
      expect(await connect()).toBe('client-2');
    },
  );

  test("is kept after a user's deposit of the same client with another secret was refused", async ({
    fixture,
    server,
    mcpServerId,
    browser,
    letPass,
  }) => {
    server.answer('/register', json(201, { client_id: 'shared', client_secret: 's1' }));
    const press = async () => fixture.press(browser, (await fixture.link(mcpServerId)).url);
    await press();
    const deposit = {
      mcpServerId,
      refreshToken: 'junk',
      tokenEndpoint: `${server.issuer}/token`,
      clientId: 'shared',
      clientSecret: 'guessed',
    };
    await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload: deposit });
    await fixture.pool.query(
      `UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-client' WHERE mcp_server_id = $1`,
      [mcpServerId],
    );
    await letPass();
    expect((await press()).searchParams.get('client_id')).toBe('shared');
    expect(server.registrations()).toHaveLength(1);
  });

  test('is made again after the token endpoint has refused the client', async ({
    fixture,
    server,
    mcpServerId,
    browser,
    letPass,
  }) => {
    server.answer('/token', json(401, { error: 'invalid_client' }));
    const link = await fixture.link(mcpServerId);
    const away = await fixture.press(browser, link.url);
    await fixture.comeBack(browser, answerTo(away, server));
    await fixture.press(browser, link.url);
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'registration-failed' });
    await letPass();
    expect((await fixture.press(browser, link.url)).searchParams.get('client_id')).toBe('client-2');
  });

  test('whose text was copied from another server does not count', async ({
    fixture,
    server,
    register,
    letPass,
  }) => {
    await register();
    await letPass();
    const other = await fixture.register({ authorizationServer: server.issuer });
    await fixture.pool.query(`UPDATE mcp_client_registration SET mcp_server_id = $2 WHERE issuer = $1`, [
      server.issuer,
      other,
    ]);
    const away = await fixture.press(fixture.browser(), (await fixture.link(other)).url);
    expect(away.searchParams.get('client_id')).toBe('client-2');
  });

  test('that the server refuses is an outcome that names its code', async ({
    fixture,
    server,
    mcpServerId,
    browser,
  }) => {
    server.answer('/register', json(400, { error: 'invalid_redirect_uri' }));
    const link = await fixture.link(mcpServerId);
    const end = await fixture.press(browser, link.url);
    const page = await browser.open(end.pathname);
    expect(headingOf(page)).toBe('Not connected to The Ledger');
    expect(textOf(page.body)).toContain('invalid_redirect_uri');
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'registration-refused' });
  });
});

describe("the operator's client", () => {
  test.for([
    ['client_secret_basic', { authorization: `Basic ${btoa('operator:s3cret')}` }, {}],
    ['client_secret_post', {}, { client_id: 'operator', client_secret: 's3cret' }],
    ['none', {}, { client_id: 'operator' }],
  ] as const)('comes first, with %s', async ([method, headers, form], { fixture, server, browser }) => {
    const id = await fixture.register({
      authorizationServer: server.issuer,
      clientId: 'operator',
      ...(method !== 'none' && { clientSecret: 's3cret' }),
      tokenEndpointAuthMethod: method,
    });
    const link = await fixture.link(id);
    const away = await fixture.press(browser, link.url);
    expect(away.searchParams.get('client_id')).toBe('operator');
    expect(headingOf(await fixture.comeBack(browser, answerTo(away, server)))).toBe(
      'Connected to The Ledger',
    );
    expect(server.registrations()).toEqual([]);
    const sent = server.seen.find(({ path }) => path === '/token');
    expect(sent?.headers.authorization).toBe('authorization' in headers ? headers.authorization : undefined);
    expect(Object.fromEntries(sent?.form ?? [])).toMatchObject(form);
    const stored = await fixture.grant('alice', id);
    expect(stored?.grant).not.toHaveProperty('clientId');
    expect(stored?.grant).not.toHaveProperty('clientSecret');
  });

  test('proves itself with its private key', async ({ fixture, server, browser }) => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k' };
    const id = await fixture.register({
      authorizationServer: server.issuer,
      clientId: 'operator',
      privateKey: jwk,
      tokenEndpointAuthMethod: 'private_key_jwt',
    });
    const away = await fixture.press(browser, (await fixture.link(id)).url);
    const { rows } = await fixture.pool.query(
      'SELECT a::text FROM mcp_authorization a WHERE mcp_server_id = $1',
      [id],
    );
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(String(jwk.d));
    expect(headingOf(await fixture.comeBack(browser, answerTo(away, server)))).toBe(
      'Connected to The Ledger',
    );
    const [form] = server.tokenRequests();
    expect(form?.get('client_assertion')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });
});

describe('a client id metadata document', () => {
  const ANNOUNCED = { client_id_metadata_document_supported: true };

  test('is the client where the server announces it and accepts `none`', async ({
    fixture,
    serverWith,
    browser,
  }) => {
    const server = await serverWith(ANNOUNCED);
    const id = await fixture.register({ authorizationServer: server.issuer });
    const away = await fixture.press(browser, (await fixture.link(id)).url);
    const clientId = `${CONNECT_URL}/oauth/client-metadata.json`;
    expect(away.searchParams.get('client_id')).toBe(clientId);
    await fixture.comeBack(browser, answerTo(away, server));
    expect(server.registrations()).toEqual([]);
    expect((await fixture.grant('alice', id))?.grant).toMatchObject({
      clientId,
      tokenEndpointAuthMethod: 'none',
    });

    const document = await fixture.app.inject({ url: '/oauth/client-metadata.json' });
    expect(document.headers['content-type']).toContain('application/json');
    expect(document.json()).toEqual({
      client_id: clientId,
      client_name: 'Latchkey',
      client_uri: CONNECT_URL,
      redirect_uris: [away.searchParams.get('redirect_uri')],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    });
  });

  test('of a server without `iss` lists the redirect URI of that server', async ({
    fixture,
    serverWith,
    browser,
  }) => {
    const server = await serverWith({ ...ANNOUNCED, authorization_response_iss_parameter_supported: false });
    const id = await fixture.register({ authorizationServer: server.issuer });
    const away = await fixture.press(browser, (await fixture.link(id)).url);
    const clientId = away.searchParams.get('client_id') ?? '';
    const document = await fixture.app.inject({ url: new URL(clientId).pathname });
    expect(document.json()).toMatchObject({
      client_id: clientId,
      redirect_uris: [away.searchParams.get('redirect_uri')],
    });
  });

  test('is not used where the server does not accept `none`, or PUBLIC_URL is not https', async ({
    fixture,
    serverWith,
    browser,
  }) => {
    const server = await serverWith({
      ...ANNOUNCED,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    });
    const id = await fixture.register({ authorizationServer: server.issuer });
    const away = await fixture.press(browser, (await fixture.link(id)).url);
    expect(away.searchParams.get('client_id')).toBe('client-1');

    const registered = await fixture.deps.servers.find(id);
    if (registered === undefined) throw new Error('it was registered');
    const metadata = { ...metadataOf(server), supportsClientIdMetadataDocument: true, authMethods: ['none'] };
    const question = { server: registered, secrets: {}, metadata, isRefused: () => false };
    const pool = createPool({ databaseUrl: 'postgres://127.0.0.1:9/none', size: 1, onIdleError: () => {} });
    const deps = {
      db: pool,
      vault: fixture.vault,
      guardedFetch: createGuardedFetch({ policy: 'public' }).fetch,
    };
    const onHttp = await chooseClient({ ...deps, publicUrl: 'http://127.0.0.1:3000' }, question);
    expect(onHttp).toMatchObject({ kind: 'refused', code: 'no-client' });
    const onHttps = await chooseClient({ ...deps, publicUrl: CONNECT_URL }, question);
    expect(onHttps).toMatchObject({ kind: 'client', client: { source: 'document' } });
  });

  test('has no address but those of issuers', async ({ fixture }) => {
    for (const url of ['/oauth/client-metadata/x.json', `/oauth/client-metadata/${'A'.repeat(22)}`]) {
      expect((await fixture.app.inject({ url })).statusCode).toBe(400);
    }
  });
});

describe('a server that a user cannot be connected to', () => {
  test('without a client tells the operator what to register, with the redirect URI', async ({
    fixture,
    serverWith,
    browser,
  }) => {
    const server = await serverWith({ registration_endpoint: undefined });
    const id = await fixture.register({ authorizationServer: server.issuer });
    const link = await fixture.link(id);
    const page = await browser.open((await fixture.press(browser, link.url)).pathname);
    expect(headingOf(page)).toBe('Not connected to The Ledger');
    expect(textOf(page.body)).toContain(`${CONNECT_URL}/oauth/callback`);
    expect(textOf(page.body)).toContain('clientId');
    expect(page.body).not.toContain('>Try again</button>');
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'no-client' });
  });

  test.for([undefined, ['plain']])(
    'because its metadata announce no PKCE with S256: %j',
    async (methods, { fixture, serverWith, browser }) => {
      const server = await serverWith({ code_challenge_methods_supported: methods });
      const id = await fixture.register({ authorizationServer: server.issuer });
      const link = await fixture.link(id);
      const end = await fixture.press(browser, link.url);
      expect(end.origin).toBe(CONNECT_URL);
      expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'pkce-not-supported' });
      expect(server.registrations()).toEqual([]);
    },
  );

  test('because its metadata name no authorization endpoint, or are away', async ({
    fixture,
    serverWith,
    browser,
  }) => {
    const server = await serverWith({ authorization_endpoint: undefined });
    const id = await fixture.register({ authorizationServer: server.issuer });
    const link = await fixture.link(id);
    await fixture.press(browser, link.url);
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'misconfigured' });

    const away = await serverWith({});
    await away.stop();
    const other = await fixture.link(await fixture.register({ authorizationServer: away.issuer }));
    await fixture.press(browser, other.url);
    expect(await fixture.status(other)).toMatchObject({ code: 'authorization-server-unavailable' });
  });

  test('because it is registered without OAuth', async ({ fixture, browser }) => {
    const id = await fixture.register();
    const link = await fixture.link(id);
    await fixture.askAsAdmin({
      method: 'PUT',
      url: `/mcp-servers/${id}`,
      payload: { url: 'http://127.0.0.1:9/mcp', auth: { type: 'none' } },
    });
    await fixture.press(browser, link.url);
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'no-oauth' });
  });

  test('because its registration has changed since the user left', async ({
    fixture,
    server,
    mcpServerId,
    browser,
  }) => {
    const link = await fixture.link(mcpServerId);
    const away = await fixture.press(browser, link.url);
    await fixture.askAsAdmin({
      method: 'PUT',
      url: `/mcp-servers/${mcpServerId}`,
      payload: {
        url: 'http://127.0.0.1:9/other',
        auth: { type: 'oauth2', authorizationServer: server.issuer },
      },
    });
    await fixture.comeBack(browser, answerTo(away, server));
    expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'server-changed' });
    expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
  });
});
