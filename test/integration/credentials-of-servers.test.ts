import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Secret } from '../../src/config/load-config.ts';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { McpStepInput, McpStepResult } from '../../src/contracts/step.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import { type DemoMcpServer, startMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import { createServices } from '../../src/process/services.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

describe('a server with a static token', () => {
  const TOKEN = 'static-token';
  let server: DemoMcpServer;

  beforeAll(async () => {
    server = await startMcpServer({ auth: { type: 'bearer', token: TOKEN } });
  });

  afterAll(() => server.stop());

  test('is called with that token, for a user who has connected nothing', async ({ world }) => {
    await world.register('static', { url: server.url, auth: { type: 'bearer', token: TOKEN } });
    expect(await run(world, world.users.newUser(), 'static')).toMatchObject({ status: 'success' });
  });

  test('that refuses the token ends the step as misconfigured and asks no user', async ({ world }) => {
    await world.register('static', { url: server.url, auth: { type: 'bearer', token: 'another' } });
    await expectMisconfigured(world, world.users.newUser(), 'static');
  });
});

describe('a server without authorization', () => {
  let server: DemoMcpServer;

  test.beforeAll(async ({ world }) => {
    server = await startMcpServer({ auth: { type: 'none' } });
    await world.register('open', { url: server.url, auth: { type: 'none' } });
  });

  afterAll(() => server.stop());

  test('is called without a token', async ({ world }) => {
    expect(await run(world, world.users.newUser(), 'open')).toMatchObject({ status: 'success' });
  });

  test('that requires a token ends the step as misconfigured and asks no user', async ({ world }) => {
    const refusal = server.control.interceptRequests({ do: 'answer', status: 401 }, { times: Infinity });
    await expectMisconfigured(world, world.users.newUser(), 'open');
    refusal.release();
  });
});

test('a step for a server that is not registered ends and asks no user', async ({ world }) => {
  await expectMisconfigured(world, world.users.newUser(), 'nowhere');
});

describe('stored secrets that cannot be decrypted', () => {
  /** The key may be on its way, but not for these. */
  const SOON = { timeouts: { unavailable: '2s' } };

  test('pause the step although their key is there, and a deposit resumes it', async ({ world }) => {
    const [user, other] = [world.users.newUser(), world.users.newUser()];
    await Promise.all([world.users.connect(user), world.users.connect(other)]);
    // Sealed under the same key, but for another user: authenticated, and not theirs.
    await copySecrets(world, other, user, ['grant_jwe', 'access_token_jwe']);

    const step = await world.steps.start(user);
    const paused = await world.steps.until(user, step.stepId, 'awaiting-input');
    await world.users.connect(user);

    expect(paused).toMatchObject({
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'undecryptable',
    });
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('lead to a renewal without the user when the refresh token can still be decrypted', async ({
    world,
  }) => {
    const [user, other] = [world.users.newUser(), world.users.newUser()];
    await Promise.all([world.users.connect(user), world.users.connect(other)]);
    await copySecrets(world, other, user, ['access_token_jwe']);

    expect(await run(world, user, world.mcpServerId)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user: other })).toEqual([]);
  });

  test('for lack of their key end the step as misconfigured and ask no user', async ({ world }) => {
    const user = world.users.newUser();
    await depositUnderAnotherKey(world, user, await world.users.consent(user));

    const { error } = await expectMisconfigured(world, user, world.mcpServerId, SOON);

    expect(error.message).toBe('encryption key retired is not configured');
    expect(await statusOf(world, { userId: user, mcpServerId: world.mcpServerId })).toBe('connected');
  });

  test('for lack of the key of the refresh token end the step as misconfigured too', async ({ world }) => {
    const user = world.users.newUser();
    const { accessToken: _, expiresIn: __, ...withoutAccessToken } = await world.users.consent(user);
    await depositUnderAnotherKey(world, user, withoutAccessToken);

    await expectMisconfigured(world, user, world.mcpServerId, SOON);

    expect(await statusOf(world, { userId: user, mcpServerId: world.mcpServerId })).toBe('connected');
  });
});

async function run(world: World, user: string, mcpServerId: string): Promise<McpStepResult> {
  return world.steps.result(await world.steps.start(user, { mcpServerId }));
}

async function expectMisconfigured(
  world: World,
  user: string,
  mcpServerId: string,
  options: Partial<McpStepInput> = {},
): Promise<Extract<McpStepResult, { status: 'error' }>> {
  const step = await world.steps.start(user, { mcpServerId, ...options });
  const result = await world.steps.result(step);
  expect(result).toMatchObject({ status: 'error', error: { code: 'misconfigured' } });
  const events = (await world.steps.reported(user, step.stepId)).timeline.map(({ event }) => event);
  expect(events).not.toContain('awaiting-input');
  expect(await world.steps.waiting(user)).toEqual([]);
  if (result.status !== 'error') throw new Error('not reached: the status was just compared');
  return result;
}

async function copySecrets(world: World, from: string, to: string, columns: string[]): Promise<void> {
  const { rowCount } = await world.services.db.query(
    `UPDATE mcp_credential target SET ${columns.map((column) => `${column} = source.${column}`).join()}
       FROM mcp_credential source WHERE source.user_id = $1 AND target.user_id = $2`,
    [from, to],
  );
  expect(rowCount).toBe(1);
}

async function depositUnderAnotherKey(world: World, user: string, deposit: Deposit): Promise<void> {
  const encryptionKeys = new Secret([{ id: 'retired', bytes: randomBytes(32) }]);
  const { client, logger } = world.services;
  const services = createServices({ ...world.config, encryptionKeys }, client, logger);
  const { startResumption } = services.workflows;
  const outcome = await depositCredential(
    { ...services, refuseAddress: () => undefined, startResumption },
    user,
    deposit,
  );
  expect(outcome).toMatchObject({ kind: 'stored' });
  await services.close();
}

async function statusOf(world: World, { userId, mcpServerId }: CredentialKey): Promise<string | undefined> {
  const { rows } = await world.services.db.query<{ status: string }>(
    'SELECT status FROM mcp_credential WHERE user_id = $1 AND mcp_server_id = $2',
    [userId, mcpServerId],
  );
  return rows[0]?.status;
}
