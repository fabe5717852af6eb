import { describe, expect, onTestFinished, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import {
  json,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { testInWorld } from '../support/fixtures.ts';
import {
  events,
  eventWithId,
  hang,
  initializeResult,
  rpcError,
  rpcResult,
  type ScriptedMcpServer,
  startScriptedMcpServer,
} from '../support/scripted-mcp-server.ts';
import type { World } from '../support/world.ts';

/**
 * Seconds that a1 lives by its authorization server; it is due when a quarter of them is left. Long enough for a step
 * to begin with it on a busy machine.
 */
const LIFETIME = 24;
const RESULT = { content: [{ type: 'text', text: 'done' }] };

const test = testInWorld();
let registered = 0;

interface Fixture {
  server: ScriptedMcpServer;
  endpoint: ScriptedTokenEndpoint;
  user: string;
  start(tool?: string): Promise<StepView>;
  /** By the database's clock. */
  untilDue(): Promise<void>;
  /** Everything that the server was sent, each with its token. */
  sent(): string[];
}

/** A user with the token a1, at a server and a token endpoint of their own. */
async function createFixture(world: World): Promise<Fixture> {
  const [server, endpoint] = await Promise.all([startScriptedMcpServer(), startScriptedTokenEndpoint()]);
  onTestFinished(async () => void (await Promise.all([server.close(), endpoint.stop()])));
  endpoint.answer(tokens());
  registered += 1;
  const mcpServerId = `due-${registered}`;
  const user = world.users.newUser();
  await world.register(mcpServerId, { url: server.url, auth: { type: 'oauth2' } });
  const { clientId: _, resource: __, ...consent } = await world.users.consent(user, { mcpServerId });
  const ours = { tokenEndpoint: endpoint.url, refreshToken: 'r1', accessToken: 'a1', expiresIn: LIFETIME };
  await world.users.deposit(user, { ...consent, ...ours });
  return {
    server,
    endpoint,
    user,
    start: (tool = 'echo') => world.steps.start(user, { mcpServerId, tool, sideEffects: 'unsafe' }),
    untilDue: () => untilDue(world, user),
    sent: () =>
      server.seen.map(({ what, headers }) => `${what} ${headers.authorization?.replace('Bearer ', '')}`),
  };
}

function untilDue(world: World, user: string): Promise<void> {
  return vi.waitFor(
    async () => {
      const { rows } = await world.services.pool.query<{ due: boolean }>(
        'SELECT renew_after <= clock_timestamp() AS due FROM mcp_credential WHERE user_id = $1',
        [user],
      );
      expect(rows[0]?.due).toBe(true);
    },
    { timeout: 60_000, interval: 100 },
  );
}

const OPENED = ['initialize a1', 'notifications/initialized a1'];

describe.concurrent('an access token that became due', { timeout: 150_000 }, () => {
  test('while the call was under way is replaced before the list of tools is asked for', async ({
    expect,
    world,
  }) => {
    const { server, start, untilDue, sent } = await createFixture(world);
    server.on('tools/call', (response, request) => {
      void untilDue().then(() => rpcError(-32602)(response, request));
    });
    const step = await start('missing');

    expect(await world.steps.result(step)).toMatchObject({
      status: 'error',
      error: { code: 'unknown-tool' },
    });

    expect(sent()).toEqual([...OPENED, 'tools/call a1', 'tools/list a2']);
  });

  test('while its session was being opened is renewed before the call', async ({ expect, world }) => {
    const { server, start, untilDue, sent } = await createFixture(world);
    server.once('initialize', (response, request) => {
      response.setHeader('mcp-session-id', 'first');
      void untilDue().then(() => rpcResult(initializeResult())(response, request));
    });
    const step = await start();

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });

    const reopened = ['initialize a2', 'notifications/initialized a2'];
    expect(sent()).toEqual(['initialize a1', ...reopened, 'tools/call a2']);
  });

  test('while the tool ran is replaced before its stream is resumed', async ({ expect, world }) => {
    const { server, start, untilDue, sent } = await createFixture(world);
    let call: string | number | undefined;
    server.on('tools/call', (response, request) => {
      call = request.id;
      const prime = events(() => ['retry: 50', eventWithId('1')]);
      void untilDue().then(() => prime(response, request));
    });
    const answer = events(() => [eventWithId('2', { jsonrpc: '2.0', id: call, result: RESULT })]);
    server.on('GET', answer);
    const step = await start();

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });

    expect(sent()).toEqual([...OPENED, 'tools/call a1', 'GET a2']);
  });

  test('and can’t be renewed is not sent to resume a stream, and the user is asked for the outcome', async ({
    expect,
    world,
  }) => {
    const { server, endpoint, user, start, untilDue, sent } = await createFixture(world);
    endpoint.answer(json(503, {}));
    const prime = events(() => ['retry: 50', eventWithId('1')]);
    server.on('tools/call', (response, request) => void untilDue().then(() => prime(response, request)));
    const { stepId } = await start();

    const step = await world.steps.until(user, stepId, 'awaiting-input');

    expect(step.awaitingInputReason).toBe('outcome-unknown');
    expect(sent()).toEqual([...OPENED, 'tools/call a1']);
  });

  test('is not sent when the step is cancelled', async ({ expect, world }) => {
    const { server, endpoint, user, start, untilDue, sent } = await createFixture(world);
    server.on('tools/call', hang());
    const { stepId } = await start();
    await server.arrived('tools/call');
    await untilDue();
    endpoint.answer(json(400, { error: 'invalid_grant' }));

    await world.steps.cancel(user, stepId);
    await world.steps.until(user, stepId, 'cancelled');

    expect(sent()).toEqual([...OPENED, 'tools/call a1']);
  });

  test('is not sent to a session that was opened earlier', async ({ expect, world }) => {
    const { start, untilDue, sent } = await createFixture(world);
    await world.steps.result(await start());
    await untilDue();

    expect(await world.steps.result(await start())).toMatchObject({ status: 'success' });

    expect(sent()).toEqual([...OPENED, 'tools/call a1', 'tools/call a2']);
  });
});

// The last test of the file: it ends the sessions of the world.
test('a process that ends closes its sessions without a due token', { timeout: 60_000 }, async ({
  world,
}) => {
  const { server, start, untilDue } = await createFixture(world);
  await world.steps.result(await start());
  await untilDue();
  const open = await startScriptedMcpServer();
  onTestFinished(() => open.close());
  await world.register('open', { url: open.url, auth: { type: 'none' } });
  await world.steps.result(
    await world.steps.start(world.users.newUser(), { mcpServerId: 'open', tool: 'echo' }),
  );

  await world.services.mcp.close();

  // The farewell of a session without a token shows that farewells were said.
  expect(open.count('DELETE')).toBe(1);
  expect(server.count('DELETE')).toBe(0);
});
