import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  json,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from '../credentials/scripted-token-endpoint.ts';
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
import { createWorld, type World } from '../support/world.ts';

/** Seconds that a1 lives by its authorization server; it is due when a quarter of them is left. */
const LIFETIME = 3;
const RESULT = { content: [{ type: 'text', text: 'done' }] };

let world: World;
let endpoint: ScriptedTokenEndpoint;
let server: ScriptedMcpServer;
let user: string;
let turn = 0;

beforeAll(async () => {
  [world, endpoint] = await Promise.all([createWorld(), startScriptedTokenEndpoint()]);
});

afterAll(async () => {
  await endpoint.stop();
  await world.stop();
});

beforeEach(async () => {
  endpoint.answer(tokens());
  server = await startScriptedMcpServer();
  user = world.newUser();
  turn += 1;
  await world.register(mcpServerId(), { url: server.url, auth: { type: 'oauth2' } });
  const consent = await world.consent(user, { mcpServerId: mcpServerId() });
  const { clientId: _, resource: __, ...deposit } = consent;
  const ours = { tokenEndpoint: endpoint.url, refreshToken: 'r1', accessToken: 'a1', expiresIn: LIFETIME };
  await world.deposit(user, { ...deposit, ...ours });
});

afterEach(() => server.close());

const mcpServerId = () => `due-${turn}`;
const start = (tool = 'echo') =>
  world.start(user, { mcpServerId: mcpServerId(), tool, sideEffects: 'unsafe' });

/** By the database's clock. */
function untilDue(): Promise<void> {
  return vi.waitFor(
    async () => {
      const { rows } = await world.services.pool.query<{ due: boolean }>(
        `SELECT renew_after <= clock_timestamp() AS due FROM mcp_credential
          WHERE user_id = $1 AND mcp_server_id = $2`,
        [user, mcpServerId()],
      );
      expect(rows[0]?.due).toBe(true);
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** Everything that the server was sent, each with its token. */
function sent(): string[] {
  return server.seen.map(({ what, headers }) => `${what} ${headers.authorization?.replace('Bearer ', '')}`);
}

const OPENED = ['initialize a1', 'notifications/initialized a1'];

describe('an access token that became due', () => {
  test('while the call was under way is replaced before the list of tools is asked for', async () => {
    server.on('tools/call', (response, request) => {
      void untilDue().then(() => rpcError(-32602)(response, request));
    });
    const step = await start('missing');

    expect(await world.result(step)).toMatchObject({ status: 'error', error: { code: 'unknown-tool' } });

    expect(sent()).toEqual([...OPENED, 'tools/call a1', 'tools/list a2']);
  });

  test('while its session was being opened is renewed before the call', async () => {
    server.once('initialize', (response, request) => {
      response.setHeader('mcp-session-id', 'first');
      void untilDue().then(() => rpcResult(initializeResult())(response, request));
    });
    const step = await start();

    expect(await world.result(step)).toMatchObject({ status: 'success' });

    const reopened = ['initialize a2', 'notifications/initialized a2'];
    expect(sent()).toEqual(['initialize a1', ...reopened, 'tools/call a2']);
  });

  test('while the tool ran is replaced before its stream is resumed', async () => {
    let call: string | number | undefined;
    server.on('tools/call', (response, request) => {
      call = request.id;
      const prime = events(() => ['retry: 50', eventWithId('1')]);
      void untilDue().then(() => prime(response, request));
    });
    const answer = events(() => [eventWithId('2', { jsonrpc: '2.0', id: call, result: RESULT })]);
    server.on('GET', answer);
    const step = await start();

    expect(await world.result(step)).toMatchObject({ status: 'success' });

    expect(sent()).toEqual([...OPENED, 'tools/call a1', 'GET a2']);
  });

  test('and can’t be renewed is not sent to resume a stream: a person is asked what became of it', async () => {
    endpoint.answer(json(503, {}));
    const prime = events(() => ['retry: 50', eventWithId('1')]);
    server.on('tools/call', (response, request) => void untilDue().then(() => prime(response, request)));
    const { stepId } = await start();

    const step = await world.until(user, stepId, 'awaiting-input');

    expect(step.awaitingInputReason).toBe('outcome-unknown');
    expect(sent()).toEqual([...OPENED, 'tools/call a1']);
  }, 60_000);

  test('is not sent when the step is cancelled', async () => {
    server.on('tools/call', hang());
    const { stepId } = await start();
    await server.arrived('tools/call');
    await untilDue();
    endpoint.answer(json(400, { error: 'invalid_grant' }));

    await world.steps.cancel(user, stepId);
    await world.until(user, stepId, 'cancelled');

    expect(sent()).toEqual([...OPENED, 'tools/call a1']);
  });

  test('is not sent to a session that stands from before', async () => {
    await world.result(await start());
    await untilDue();

    expect(await world.result(await start())).toMatchObject({ status: 'success' });

    expect(sent()).toEqual([...OPENED, 'tools/call a1', 'tools/call a2']);
  });
});

// The last test of the file: it ends the sessions of the world.
test('a process that ends says farewell with no token that is due', async () => {
  await world.result(await start());
  await untilDue();
  const other = { server, user };
  server = await startScriptedMcpServer();
  user = world.newUser();
  turn += 1;
  await world.register(mcpServerId(), { url: server.url, auth: { type: 'none' } });
  await world.result(await start());

  await world.services.mcp.close();

  // The farewell of a session without a token shows that farewells were said.
  expect(sent()).toContain('DELETE undefined');
  expect(other.server.count('DELETE')).toBe(0);
  await other.server.close();
});
