import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StepErrorCode } from '../../src/contracts/step.ts';
import {
  body,
  events,
  eventWithId,
  httpStatus,
  initializeResult,
  type Reply,
  rpcError,
  rpcResult,
} from '../support/scripted-mcp-server.ts';
import { createWorld, type World } from '../support/world.ts';
import { historyText } from './history-text.ts';
import { createScriptedServers } from './scripted-servers.ts';

// What each condition counts as, one by one: docs/outcomes.md and its test, and test/mcp.

const SERVERS_WORDS = 'the-servers-own-words';

let world: World;
const scripted = createScriptedServers(() => world);

beforeAll(async () => {
  world = await createWorld();
});

afterAll(async () => {
  await scripted.closeAll();
  await world.stop();
});

describe('a server that breaks the protocol', () => {
  test.each<[string, StepErrorCode, string, Reply, string]>([
    ['has no such tool', 'unknown-tool', 'tools/call', rpcError(-32602, SERVERS_WORDS), 'nope'],
    ['refuses the arguments', 'invalid-arguments', 'tools/call', rpcError(-32602, SERVERS_WORDS), 'echo'],
    [
      'answers another JSON-RPC error',
      'protocol-error',
      'tools/call',
      rpcError(-32000, SERVERS_WORDS),
      'echo',
    ],
    [
      'speaks another protocol version',
      'protocol-error',
      'initialize',
      rpcResult(initializeResult(SERVERS_WORDS)),
      'echo',
    ],
    ['refuses to initialize', 'protocol-error', 'initialize', rpcError(-32602, SERVERS_WORDS), 'echo'],
    [
      'answers what is no JSON',
      'protocol-error',
      'tools/call',
      body('application/json', SERVERS_WORDS),
      'echo',
    ],
    [
      'answers what is no JSON-RPC',
      'protocol-error',
      'tools/call',
      body('application/json', `"${SERVERS_WORDS}"`),
      'echo',
    ],
    ['answers a web page', 'protocol-error', 'tools/call', body('text/html', SERVERS_WORDS), 'echo'],
    ['answers a type of its own', 'protocol-error', 'tools/call', body(`text/${SERVERS_WORDS}`, 'x'), 'echo'],
    [
      'streams what is no JSON',
      'protocol-error',
      'tools/call',
      events(() => [`data: ${SERVERS_WORDS}`]),
      'echo',
    ],
    ['answers a result that is none', 'protocol-error', 'tools/call', rpcResult(SERVERS_WORDS), 'echo'],
    [
      'redirects',
      'protocol-error',
      'tools/call',
      httpStatus(307, { location: `/elsewhere?${SERVERS_WORDS}` }),
      'echo',
    ],
    ['forbids it', 'forbidden', 'tools/call', httpStatus(403, { 'www-authenticate': SERVERS_WORDS }), 'echo'],
  ])(
    '%s: %s, in words for the user and for the operator, none of them the server’s',
    async (_, code, at, reply, tool) => {
      const { server, mcpServerId } = await scripted.register();
      server.on(at, reply);
      const user = world.newUser();
      const { stepId } = await world.start(user, { mcpServerId, tool, sideEffects: 'read-only' });

      const step = await world.until(user, stepId, 'error', 'success', 'awaiting-input');

      expect(step.error).toEqual({ code, message: expect.stringMatching(/\w+ \w+/) });
      expect(server.count('tools/call')).toBe(at === 'initialize' ? 0 : 1);
      const history = await historyText(world, step);
      expect(history).toMatch(/"operatorMessage":"[^"]*\w+/);
      expect(history + JSON.stringify(step)).not.toContain(SERVERS_WORDS);
    },
  );
});

describe('a session that the server has forgotten', () => {
  test('is made again once: the call is made in it, once', async () => {
    const user = world.newUser();
    await world.connect(user);
    await world.result(await world.start(user));
    world.mcpServer.control.forgetSessions();

    await expect(world.result(await world.start(user))).resolves.toMatchObject({ status: 'success' });

    expect(world.mcpServer.calls({ user })).toHaveLength(2);
    expect(world.mcpServer.requests({ user, rpcMethod: 'initialize' })).toHaveLength(2);
  });
});

describe('an event stream that ends without an answer', () => {
  test('is resumed from its last event, and the tool is not called again', async () => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', (response, request) => {
      server.once(
        'GET',
        events(() => [{ jsonrpc: '2.0', id: request.id ?? 0, result: { content: [] } }]),
      );
      events(() => [`retry: 1\n${eventWithId('event-7')}`])(response, request);
    });
    const step = await world.start(world.newUser(), { mcpServerId, tool: 'echo' });

    await expect(world.result(step)).resolves.toEqual({ status: 'success', result: { content: [] } });

    expect((await server.arrived('GET')).headers['last-event-id']).toBe('event-7');
    expect(server.count('tools/call')).toBe(1);
  });
});

describe('what a tool says', () => {
  test.each([
    '401 Unauthorized',
    'HTTP 503 Service Unavailable',
    'insufficient_scope',
    'Tool nope not found',
  ])('of its failure is its own, also “%s”: the tool has run, and is not called again', async (text) => {
    const { server, mcpServerId } = await scripted.register();
    const result = { content: [{ type: 'text', text }] };
    server.on('tools/call', rpcResult({ ...result, isError: true }));
    const step = await world.start(world.newUser(), { mcpServerId, tool: 'echo', sideEffects: 'read-only' });

    await expect(world.result(step)).resolves.toEqual({
      status: 'error',
      error: { code: 'tool-error', message: expect.any(String) },
      result,
    });

    expect(server.count('tools/call')).toBe(1);
  });

  test('without content is a success with a warning', async () => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', rpcResult({}));
    const step = await world.start(world.newUser(), { mcpServerId, tool: 'echo' });

    await expect(world.result(step)).resolves.toEqual({
      status: 'success',
      result: { content: [], warnings: [expect.any(String)] },
    });
  });
});
