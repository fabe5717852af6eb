import { describe, expect, onTestFinished } from 'vitest';
import type { Deposit } from '../../src/schemas/deposit.ts';
import {
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { testInWorld } from '../support/fixtures.ts';
import { httpStatus, type Reply, rpcResult } from '../support/scripted-mcp-server.ts';
import type { ScriptedServers } from '../support/scripted-servers.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

const CHALLENGE = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="write"' };
const DONE = rpcResult({ content: [{ type: 'text', text: 'done' }] });

/** As a server to which the scope of the token `wide` is enough. */
const wantsWide: Reply = (response, request) => {
  const isWide = request.headers.authorization === 'Bearer wide';
  return (isWide ? DONE : httpStatus(403, CHALLENGE))(response, request);
};

/** A step that waits for more scope, of a user whose refresh token stays the same. */
async function startPaused(world: World, scripted: ScriptedServers, endpoint: ScriptedTokenEndpoint) {
  const { server, mcpServerId } = await scripted.register({ auth: { type: 'oauth2' } });
  server.on('tools/call', wantsWide);
  const user = world.users.newUser();
  const first: Deposit = {
    mcpServerId,
    refreshToken: 'r1',
    tokenEndpoint: endpoint.url,
    clientId: 'app',
    scopes: 'read',
    accessToken: 'narrow',
    expiresIn: 3600,
  };
  await world.users.deposit(user, first);
  const started = await world.steps.start(user, { mcpServerId, tool: 'echo', arguments: {} });
  const step = await world.steps.until(user, started.stepId, 'awaiting-input');
  expect(step).toMatchObject({ awaitingInputReason: 'needs-oauth-scope', requiredScopes: ['read', 'write'] });
  return { user, step, first };
}

async function startTokenEndpoint(): Promise<ScriptedTokenEndpoint> {
  const endpoint = await startScriptedTokenEndpoint();
  onTestFinished(() => endpoint.stop());
  return endpoint;
}

describe('a step that waits for more scope and gets the same refresh token with more scope', () => {
  test('calls with the access token of the deposit', async ({ world, scripted }) => {
    const endpoint = await startTokenEndpoint();
    const { user, step, first } = await startPaused(world, scripted, endpoint);

    const wider = { ...first, scopes: 'read write', accessToken: 'wide' };
    expect(await world.users.deposit(user, wider)).toMatchObject({ changed: true, version: 2, resuming: 1 });

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(endpoint.seen).toEqual([]);
  });

  test('requests an access token with the wider scopes if the deposit has none', async ({
    world,
    scripted,
  }) => {
    const endpoint = await startTokenEndpoint();
    endpoint.answer((response, request) => {
      const isWide = request.body.get('scope') === 'read write';
      tokens({ access_token: isWide ? 'wide' : 'narrow' })(response, request);
    });
    const { user, step, first } = await startPaused(world, scripted, endpoint);
    const { accessToken: _, expiresIn: __, ...wider } = { ...first, scopes: 'read write' };

    expect(await world.users.deposit(user, wider)).toMatchObject({ changed: true, version: 2, resuming: 1 });

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(endpoint.seen).toHaveLength(1);
  });

  test('does not resume when the same deposit is repeated', async ({ world, scripted }) => {
    const { user, step, first } = await startPaused(world, scripted, await startTokenEndpoint());

    expect(await world.users.deposit(user, first)).toMatchObject({ changed: false, version: 1, resuming: 0 });

    expect(await world.steps.waiting(user)).toEqual([step.stepId]);
  });
});
