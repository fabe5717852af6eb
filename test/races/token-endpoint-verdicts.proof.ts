import { describe, expect, onTestFinished, vi } from 'vitest';
import { listConnections } from '../../src/credentials/credential-store.ts';
import {
  cut,
  json,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  type TokenReply,
  tokens,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';
import { connectExpired, eventsOf, refreshes } from './refresh-failures.ts';
import { changed, passOn } from './token-endpoint-in-front.ts';

const AUTHORIZATION_SERVER_METADATA = '/.well-known/oauth-authorization-server';

const test = testInWorld();

const real = (world: World) => world.authorizationServer.tokenEndpoint;

const asksTheUser: [string, string, TokenReply][] = [
  ['400 invalid_grant', 'invalid-grant', oauthError('invalid_grant')],
  ['400 bad_refresh_token', 'invalid-grant', oauthError('bad_refresh_token')],
  ['200 with invalid_grant in it', 'invalid-grant', oauthError('invalid_grant', 200)],
  ['200 with bad_refresh_token in it', 'invalid-grant', oauthError('bad_refresh_token', 200)],
  [
    '200 with invalid_refresh_token in it',
    'invalid-grant',
    json(200, { ok: false, error: 'invalid_refresh_token' }),
  ],
  ['400 with a status for an error', 'invalid-grant', json(400, { status: 'BAD_REFRESH_TOKEN' })],
  ['400 interaction_required', 'refresh-refused', oauthError('interaction_required')],
  ["401 invalid_client to the user's own client", 'invalid-client', oauthError('invalid_client', 401)],
  ["400 invalid_client to the user's own client", 'invalid-client', oauthError('invalid_client')],
  ["400 unauthorized_client to the user's own client", 'invalid-client', oauthError('unauthorized_client')],
];

describe('a step whose token endpoint answers', () => {
  test.for(asksTheUser)(
    '%s: pauses as %s, and calls once after a deposit',
    async ([_what, reason, reply], { world }) => {
      const endpoint = await answering(reply);
      const user = await connectExpired(world, endpoint.url);
      const step = await world.steps.start(user);

      expect(await world.steps.until(user, step.stepId, 'awaiting-input', 'error')).toMatchObject({
        status: 'awaiting-input',
        awaitingInputReason: 'needs-oauth-reauth',
        connectionReason: reason,
      });
      expect(await connectionOf(world, user)).toEqual({ status: 'reauth-required', reason });
      expect(endpoint.seen).toHaveLength(1);
      expect(world.mcpServer.calls({ user })).toEqual([]);

      expect(await world.users.connect(user)).toMatchObject({ version: 2, resuming: 1 });
      expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
      expect(world.mcpServer.calls({ user })).toHaveLength(1);
    },
  );

  test('and is cut after the rotation, without a grace period: pauses as refresh-outcome-lost', async ({
    world,
  }) => {
    const endpoint = await answering(passOn(real(world), (body) => cut(body.slice(0, 20))));
    const user = await connectExpired(world, endpoint.url);
    const step = await world.steps.start(user);

    expect(await world.steps.until(user, step.stepId, 'awaiting-input', 'error')).toMatchObject({
      connectionReason: 'refresh-outcome-lost',
    });
    expect(endpoint.seen).toHaveLength(2);
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 1 });

    await world.users.connect(user);
    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test.for([
    // The grant has a resource, so that is left out once.
    ['invalid_target', 2],
    ['invalid_scope', 1],
    ['invalid_request', 2],
    ['unsupported_grant_type', 1],
  ] as const)(
    '400 %s, whatever is left out: ends as misconfigured after %i requests, and asks nobody',
    async ([error, times], { world }) => {
      const endpoint = await answering(oauthError(error));
      const user = await connectExpired(world, endpoint.url);

      await expectMisconfigured(world, user, error);

      expect(endpoint.seen).toHaveLength(times);
    },
  );

  test('words that nobody knows: asks twice more in about a minute, then pauses as refresh-refused', async ({
    world,
  }) => {
    const endpoint = await answering(json(403, { message: 'no' }));
    const user = await connectExpired(world, endpoint.url);
    const steps = await Promise.all([
      world.steps.start(user),
      world.steps.start(user),
      world.steps.start(user),
    ]);

    for (const { stepId } of steps) {
      const statusOf = async () => (await world.steps.get(user, stepId))?.status;
      await vi.waitFor(async () => expect(await statusOf()).toBe('awaiting-input'), {
        timeout: 120_000,
        interval: 500,
      });
    }
    for (const step of steps) {
      expect(await world.steps.until(user, step.stepId, 'awaiting-input', 'error')).toMatchObject({
        awaitingInputReason: 'needs-oauth-reauth',
        connectionReason: 'refresh-refused',
      });
    }

    expect(await connectionOf(world, user)).toEqual({ status: 'reauth-required', reason: 'refresh-refused' });
    expect(endpoint.seen).toHaveLength(3);
    const [first, , third] = endpoint.seen;
    expect((third?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(40_000);
    expect(await world.users.connect(user)).toMatchObject({ version: 2, resuming: 3 });
    for (const step of steps) expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  }, 180_000);

  test('400 invalid_scope to a request with scopes: asks once more without, and calls', async ({ world }) => {
    const endpoint = await answering((response, request) => {
      const reply = request.body.has('scope')
        ? oauthError('invalid_scope')
        : passOn(real(world), (body) => raw(200, body));
      reply(response, request);
    });
    const user = world.users.newUser();
    const consent = await world.users.consent(user);
    await world.users.deposit(user, {
      ...consent,
      scopes: 'openid',
      tokenEndpoint: endpoint.url,
      expiresIn: 0,
    });

    await expectSuccess(world, user);
    expect(endpoint.seen).toHaveLength(2);
  });

  test.for([
    ['401 invalid_client', 'invalid_client', 401],
    ['400 unauthorized_client', 'unauthorized_client', 400],
  ] as const)(
    "%s to the operator's client: waits for the operator, and goes on once it is mended",
    async ([_what, error, status], { world }) => {
      const endpoint = await answering((response, request) => {
        const isMended = request.headers.authorization === `Basic ${btoa('operator:mended')}`;
        const reply = isMended ? tokens({ access_token: accessToken }) : oauthError(error, status);
        reply(response, request);
      });
      const { origin, url } = endpoint;
      endpoint.answer(json(200, { issuer: origin, token_endpoint: url }), AUTHORIZATION_SERVER_METADATA);
      const mcpServerId = `operated-${error}`;
      const register = (clientSecret: string) => {
        const client = { clientId: 'operator', clientSecret, authorizationServer: origin };
        return world.register(mcpServerId, { url: world.mcpServer.url, auth: { type: 'oauth2', ...client } });
      };
      await register('secret');
      const user = world.users.newUser();
      const { clientId: _, accessToken, ...grant } = await world.users.consent(user, { mcpServerId });
      await world.users.deposit(user, { ...grant, tokenEndpoint: url });

      const step = await world.steps.start(user, { mcpServerId });
      await vi.waitFor(
        async () =>
          expect(await eventsOf(world, user, step)).toEqual(
            expect.arrayContaining(['started', 'waiting-for-operator']),
          ),
        30_000,
      );
      expect(await connectionOf(world, user, mcpServerId)).toEqual({ status: 'connected' });
      expect(await world.steps.waiting(user)).toEqual([]);
      await register('mended');

      expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
      expect(world.mcpServer.calls({ user })).toHaveLength(1);
    },
  );
});

describe('tokens are kept, and the next renewal works, in spite of', () => {
  test.for([
    ['no token_type', changed({ token_type: undefined })],
    ['a token_type in another case', changed({ token_type: 'bEARER' })],
    ['another token_type', changed({ token_type: 'MAC' })],
    ['a token_type that is no text', changed({ token_type: 42 })],
    ['an expires_in that is no number', changed({ expires_in: 'soon' })],
    ['an expires_in that is an object', changed({ expires_in: {} })],
    ['a null scope', changed({ scope: null })],
    ['an error beside them', changed({ error: 'invalid_grant' })],
    ['status 201', (body: string) => raw(201, body)],
  ] as const)('%s: one request, one call, nobody is asked', async ([_what, relay], { world }) => {
    const endpoint = await answering(passOn(real(world), relay));
    const user = await connectExpired(world, endpoint.url);

    await expectSuccess(world, user);
    expect(endpoint.seen).toHaveLength(1);
    world.authorizationServer.control.expireAccessTokens(user);
    await expectSuccess(world, user);

    expect(endpoint.seen).toHaveLength(2);
    expect(refreshes(world, user)).toEqual({ succeeded: 2, failed: 0 });
    expect(world.mcpServer.calls({ user })).toHaveLength(2);
  });
});

async function answering(reply: TokenReply): Promise<ScriptedTokenEndpoint> {
  const endpoint = await startScriptedTokenEndpoint();
  onTestFinished(() => endpoint.stop());
  endpoint.answer(reply);
  return endpoint;
}

async function connectionOf(world: World, user: string, mcpServerId = world.mcpServerId) {
  const connections = await listConnections(world.services.db, user);
  return connections.find((connection) => connection.mcpServerId === mcpServerId)?.state;
}

async function expectSuccess(world: World, user: string): Promise<void> {
  const step = await world.steps.start(user);
  expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  await vi.waitFor(
    async () => expect(await eventsOf(world, user, step)).toEqual(['started', 'token-renewed', 'finished']),
    20_000,
  );
}

async function expectMisconfigured(
  world: World,
  user: string,
  error: string,
  mcpServerId = world.mcpServerId,
): Promise<void> {
  const step = await world.steps.start(user, { mcpServerId });
  const message = expect.stringContaining(error);
  const ended = { status: 'error', error: { code: 'misconfigured', message } };
  expect(await world.steps.result(step)).toEqual(ended);
  await vi.waitFor(
    async () => expect(await eventsOf(world, user, step)).toEqual(['started', 'finished']),
    20_000,
  );
  expect(await connectionOf(world, user, mcpServerId)).toEqual({ status: 'connected' });
  expect(await world.steps.waiting(user)).toEqual([]);
  expect(world.mcpServer.calls({ user })).toEqual([]);
}
