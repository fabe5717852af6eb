import { describe, expect } from 'vitest';
import type { StepErrorCode } from '../../src/contracts/step.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { testInWorld } from '../support/fixtures.ts';
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
import { historyText } from './history-text.ts';

// What each condition counts as, one by one: docs/outcomes.md and its test, and test/mcp.

const SERVERS_WORDS = 'the-servers-own-words';

/** All that the worker logs, at every level. */
const logged: string[] = [];
const destination = { write: (line: string) => void logged.push(line) };

const test = testInWorld({ logger: createLogger({ level: 'trace', destination }) });

describe('a server that breaks the protocol', () => {
  test.for<[string, StepErrorCode, string, Reply, string]>([
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
    async ([_, code, at, reply, tool], { world, scripted }) => {
      const { server, mcpServerId } = await scripted.register();
      server.on(at, reply);
      const user = world.users.newUser();
      const { stepId } = await world.steps.start(user, { mcpServerId, tool, sideEffects: 'read-only' });

      const step = await world.steps.until(user, stepId, 'error', 'success', 'awaiting-input');

      expect(step.error).toEqual({ code, message: expect.stringMatching(/\w+ \w+/) });
      expect(server.count('tools/call')).toBe(at === 'initialize' ? 0 : 1);
      const history = await historyText(world, step);
      expect(history).toMatch(/"operatorMessage":"[^"]*\w+/);
      expect(history + JSON.stringify(step)).not.toContain(SERVERS_WORDS);
    },
  );
});

describe('a server that answers with a JSON-RPC error', () => {
  test.for<[string, StepErrorCode, number, string]>([
    ['its tool failed', 'tool-error', -32000, 'echo'],
    ['its tool failed, by the code of an exception', 'tool-error', -32603, 'echo'],
    ['it has no such tool', 'unknown-tool', -32602, 'nope'],
    ['it refuses the arguments', 'invalid-arguments', -32602, 'echo'],
    ['it does not take the call', 'protocol-error', -32600, 'echo'],
  ])(
    'since %s: %s, once, with its words beside ours and in no log',
    async ([_, code, rpcCode, tool], { world, scripted }) => {
      const words = `${SERVERS_WORDS}: amount must be positive`;
      const { server, mcpServerId } = await scripted.register();
      server.on('tools/call', rpcError(rpcCode, words));
      const user = world.users.newUser();
      const step = await world.steps.start(user, { mcpServerId, tool, sideEffects: 'read-only' });

      const result = await world.steps.result(step);

      const error = { code, message: expect.not.stringContaining(SERVERS_WORDS), serverMessage: words };
      expect(result).toEqual({ status: 'error', error });
      expect((await world.steps.until(user, step.stepId, 'error')).error).toEqual(error);
      expect(server.count('tools/call')).toBe(1);
      expect(
        logged.filter((line) => line.includes('a call failed') && line.includes(mcpServerId)),
      ).toHaveLength(1);
      expect(logged.join('')).not.toContain(SERVERS_WORDS);
    },
  );

  test('that quotes the token of the call leaves it in neither the step nor its history', async ({
    world,
    scripted,
  }) => {
    const token = 'static-0123456789-token';
    const { server, mcpServerId } = await scripted.register({ auth: { type: 'bearer', token } });
    server.on('tools/call', rpcError(-32000, `Bearer ${token} may not do this`));
    const step = await world.steps.start(world.users.newUser(), { mcpServerId, tool: 'echo' });

    await expect(world.steps.result(step)).resolves.toMatchObject({
      error: { code: 'tool-error', serverMessage: 'Bearer [redacted] may not do this' },
    });

    expect(await historyText(world, step)).not.toContain(token);
  });
});

describe('a session that the server has forgotten', () => {
  test('is opened again once, and the call is made once in it', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    await world.steps.result(await world.steps.start(user));
    world.mcpServer.control.forgetSessions();

    await expect(world.steps.result(await world.steps.start(user))).resolves.toMatchObject({
      status: 'success',
    });

    expect(world.mcpServer.calls({ user })).toHaveLength(2);
    expect(world.mcpServer.requests({ user, rpcMethod: 'initialize' })).toHaveLength(2);
  });
});

describe('an event stream that ends without an answer', () => {
  test('is resumed from its last event without another call', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', (response, request) => {
      server.once(
        'GET',
        events(() => [{ jsonrpc: '2.0', id: request.id ?? 0, result: { content: [] } }]),
      );
      events(() => [`retry: 1\n${eventWithId('event-7')}`])(response, request);
    });
    const step = await world.steps.start(world.users.newUser(), { mcpServerId, tool: 'echo' });

    await expect(world.steps.result(step)).resolves.toEqual({ status: 'success', result: { content: [] } });

    expect((await server.arrived('GET')).headers['last-event-id']).toBe('event-7');
    expect(server.count('tools/call')).toBe(1);
  });
});

describe('what a tool says', () => {
  test.for(['401 Unauthorized', 'HTTP 503 Service Unavailable', 'insufficient_scope', 'Tool nope not found'])(
    'of its failure is its own, also “%s”: the tool has run, and is not called again',
    async (text, { world, scripted }) => {
      const { server, mcpServerId } = await scripted.register();
      const result = { content: [{ type: 'text', text }] };
      server.on('tools/call', rpcResult({ ...result, isError: true }));
      const step = await world.steps.start(world.users.newUser(), {
        mcpServerId,
        tool: 'echo',
        sideEffects: 'read-only',
      });

      await expect(world.steps.result(step)).resolves.toEqual({
        status: 'error',
        error: { code: 'tool-error', message: expect.any(String) },
        result,
      });

      expect(server.count('tools/call')).toBe(1);
    },
  );

  test.for([
    ['in an envelope with null members', { result: { content: [] }, error: null }, []],
    [
      'in a result with null members',
      { result: { content: null, structuredContent: { a: 1 }, isError: null } },
      [],
    ],
    ['as a bare text', { result: 'done' }, [{ type: 'text', text: 'done' }]],
  ] as const)('%s is a success', async ([_, answer, content], { world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', (response, { id }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`\uFEFF${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}`);
    });
    const step = await world.steps.start(world.users.newUser(), { mcpServerId, tool: 'echo' });

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success', result: { content } });

    expect(server.count('tools/call')).toBe(1);
  });

  test('without content is a success with a warning', async ({ world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', rpcResult({}));
    const step = await world.steps.start(world.users.newUser(), { mcpServerId, tool: 'echo' });

    await expect(world.steps.result(step)).resolves.toEqual({
      status: 'success',
      result: { content: [], warnings: [expect.any(String)] },
    });
  });
});
