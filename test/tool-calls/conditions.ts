import { createServer } from 'node:net';
import { expect, vi } from 'vitest';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import {
  body,
  events,
  eventWithId,
  hang,
  httpStatus,
  initializeResult,
  type Reply,
  reset,
  rpcError,
  rpcResult,
  rpcResultText,
} from '../support/scripted-mcp-server.ts';
import { newServerId, type ScriptedServers } from '../support/scripted-servers.ts';
import type { World } from '../support/world.ts';

export interface Stage {
  world: World;
  scripted: ScriptedServers;
}

/** The step once it has ended or waits for a person, and how often its tool was called. */
export interface Observed {
  step: StepView;
  calls: number;
}

/** How a condition is brought about, or the test that does so where this is not the place. */
export type Condition = ((stage: Stage) => Promise<Observed>) | { file: string; test: string };

type Changes = Partial<McpStepInput>;

/** Long enough that a call is made again at least once, also on a busy machine. */
const BRIEFLY = { timeouts: { unavailable: '8s' } };
const UNSAFE: Changes = { sideEffects: 'unsafe' };
const TEXT = { content: [{ type: 'text', text: '401 Unauthorized' }] };
const ONLY_AS_TASK = {
  tools: [{ name: 'echo', inputSchema: { type: 'object' }, execution: { taskSupport: 'required' } }],
};
const READ_ONLY_ECHO = {
  tools: [{ name: 'echo', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }],
};

const NOT_SENT: Record<string, Condition> = {
  'The connection is refused': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    await server.close();
    return observe(stage, mcpServerId, BRIEFLY, () => 0);
  },
  'The connection takes over 5 s': {
    file: 'test/net/guarded-fetch-limits.test.ts',
    test: 'a TLS handshake that never ends: connect-timeout, not sent',
  },
  'The egress proxy is away, or refuses the connection': {
    file: 'test/mcp/egress-proxy.test.ts',
    test: 'that the proxy refuses with %i was not sent, and asks no one to sign in',
  },
  'The name does not resolve': (stage) => at(stage, 'http://latchkey.invalid/mcp'),
  'The TLS handshake fails': async (stage) => {
    const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      return await at(stage, `https://127.0.0.1:${port}/mcp`);
    } finally {
      plain.close();
    }
  },
  'The network policy refuses the address': (stage) => at(stage, 'http://169.254.169.254/mcp'),
  'HTTP 429, with or without `Retry-After`': calling(httpStatus(429, { 'retry-after': '1' }), BRIEFLY),
  'HTTP 503, with or without `Retry-After`': calling(httpStatus(503), BRIEFLY),
  'No session: `initialize` is answered with HTTP 5xx': opening(httpStatus(502), BRIEFLY),
  'No session: the connection is cut at `initialize`': opening(reset(), BRIEFLY),
  'No session: `initialize` is not answered in time': opening(hang(), {
    timeouts: { call: '200ms', unavailable: '2s' },
  }),
  'No session: the event stream ends at `initialize`': opening(
    events(() => []),
    BRIEFLY,
  ),
  'The session is unknown (404), and so is the one made in its place': calling(httpStatus(404), BRIEFLY),
  'The worker stops before the call is sent': {
    file: 'test/mcp/sessions.test.ts',
    test: 'hangs up when the adapter closes: what was sent is lost, what was not is not',
  },
  'No worker takes the call': {
    file: 'test/workflows/mcp-step-availability.test.ts',
    test: 'is made again once a worker can make it',
  },
  "The database can't be read": {
    file: 'test/tool-calls/availability.test.ts',
    test: 'waits while the database can’t be read',
  },
  "The token is due, and the authorization server can't be reached": async (stage) => {
    const { world } = stage;
    const user = world.users.newUser();
    await world.users.deposit(user, { ...(await world.users.consent(user)), expiresIn: 0 });
    world.authorizationServer.control.interceptTokenRequests(
      { do: 'drop-before-processing' },
      { accountId: user, times: Number.POSITIVE_INFINITY },
    );
    return ofUser(stage, user, BRIEFLY);
  },
};

const LOST: Record<string, Condition> = {
  'HTTP 5xx other than 503, without an answer to this call in its body': calling(httpStatus(500)),
  'The connection is cut after the call was sent': calling(reset()),
  'No answer and no progress within `timeouts.call`': calling(hang(), { timeouts: { call: '3s' } }),
  'The tool answered, but the database refuses its result for a reason that time does not mend': {
    file: 'test/tool-calls/results.test.ts',
    test: 'for a reason that time does not mend leaves an unknown outcome at once',
  },
  'The server sends too much of its own before the answer (requests, messages, events)': calling(
    events(() => Array.from({ length: 200 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))),
  ),
  "The event stream ends before the answer and can't be resumed": calling(events(() => [])),
  'The event stream ends when the token is due, and there is no other to resume it with': {
    file: 'test/mcp/due-tokens.test.ts',
    test: 'is not sent to resume a stream; a fresh one (%s) is',
  },
  'The worker dies (SIGKILL, power, out of memory)': {
    file: 'test/races/side-effects.proof.ts',
    test: 'that is killed during calls',
  },
  'The activity fails in a way nobody foresaw': {
    file: 'test/workflows/mcp-step-lost.test.ts',
    test: 'failed in a way that nobody foresaw',
  },
  'The worker is told to stop, and the call outlasts the grace time': {
    file: 'test/tool-calls/long-calls.test.ts',
    test: 'reports the outcome of a call that outlasts the grace time as unknown',
  },
  'The tool answered, but the worker stopped before the result could be stored': {
    file: 'test/tool-calls/results.test.ts',
    test: 'before its worker has to stop leaves an unknown outcome',
  },
  'Any of these, of a tool that its caller calls read-only': calling(httpStatus(500), {
    ...BRIEFLY,
    sideEffects: 'read-only',
  }),
  'Any of these, of a tool that its caller calls idempotent': calling(reset(), {
    ...BRIEFLY,
    sideEffects: 'idempotent',
  }),
  'Any of these, of a tool that a trusted server calls read-only': annotated(
    { trustAnnotations: true },
    BRIEFLY,
  ),
  'Any of these, of a tool that a server calls read-only without being trusted': annotated({}, BRIEFLY),
  'The user says that it failed, or nobody says anything in time': resolved({ action: 'fail' }),
  'The user says that it succeeded': resolved({ action: 'succeed' }),
  'The user says that it is to be called again': resolved({ action: 'retry' }),
};

const ANSWERED: Record<string, Condition> = {
  'A result': calling(rpcResult(TEXT)),
  'A result without content, or with structured content that is no object (kept as text where there is no content): a warning, since the tool has run':
    calling(rpcResult({ structuredContent: 'text' })),
  'A result with a number that JavaScript rounds: a warning names its place': calling(
    rpcResultText('{"content":[],"structuredContent":{"id":918273645546372817}}'),
  ),
  'A result over 128 KiB: stored encrypted, history holds a reference': calling(
    rpcResult({ content: [{ type: 'text', text: 'x'.repeat(200_000) }] }),
  ),
  'A result that says `isError`, whatever its text (“401 Unauthorized” too)': calling(
    rpcResult({ ...TEXT, isError: true }),
  ),
  'An unknown tool (-32602, -32601, or a lone text with `isError`, and `tools/list` lacks it)': calling(
    rpcError(-32602),
    { tool: 'nope' },
  ),
  'Arguments that the server refuses (-32602 for a tool that it lists)': calling(rpcError(-32602)),
  'A JSON-RPC error of the protocol: not understood, invalid, or no such method (-32700, -32600, -32601)':
    calling(rpcError(-32600)),
  'Any other JSON-RPC error, the internal one too (-32603): how several SDKs’ tools fail': calling(
    rpcError(-32000, '401 Unauthorized'),
  ),
  'A tool that its server lists as to be called as a task only': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.on('initialize', rpcResult(announcingTasks()));
    server.on('tools/list', rpcResult(ONLY_AS_TASK));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'What is no JSON, no JSON-RPC, or not an answer to this call': calling(
    body('application/json', '{"jsonrpc":'),
  ),
  'What is neither JSON nor an event stream (a web page)': calling(body('text/html', '<h1>Sign in</h1>')),
  'A result that is no object with content: kept as text, with a warning': calling(rpcResult('done')),
  'An answer whose form is odd and whose meaning is not (null members, a byte order mark, another type)':
    calling((response, { id }) => {
      const answer = { jsonrpc: '2.0', id: String(id), result: { ...TEXT, isError: null }, error: null };
      body('text/plain', `\uFEFF${JSON.stringify(answer)}`)(response, {
        what: '',
        path: '/mcp',
        headers: {},
        params: {},
        text: '',
      });
    }),
  'HTTP 307 or 308 from the registered URL to the same one with or without its last slash: followed, and remembered':
    async (stage) => {
      const { server, mcpServerId } = await stage.scripted.register();
      server.once('initialize', httpStatus(307, { location: '/mcp/' }));
      return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
    },
  'A JSON-RPC error for this call under an HTTP error (400, 404 without a session, 422, 500 …): judged as under 200':
    calling((response, { id }) => {
      const error = { code: -32603, message: 'customer 42 not found' };
      response.writeHead(500).end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    }),
  'A result for this call under such an HTTP error': calling((response, { id }) => {
    response.writeHead(422).end(JSON.stringify({ jsonrpc: '2.0', id, result: TEXT }));
  }),
  'Any other HTTP status, any other redirect too': calling(httpStatus(307, { location: '/elsewhere' })),
  '`initialize` with a protocol version that is not spoken here': opening(
    rpcResult(initializeResult('1999-01-01')),
  ),
  '`initialize` refused with the protocol versions that the server speaks, none of them spoken here': opening(
    (response, { id }) => {
      const error = { code: -32022, message: 'unsupported', data: { supported: ['2026-07-28'] } };
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    },
  ),
  'An answer that nests more than 100 levels deep, in whatever member': calling(
    rpcResultText(`{"content":[],"_meta":${'{"a":'.repeat(150)}1${'}'.repeat(150)}}`),
    UNSAFE,
  ),
  'An answer of more than 1,000,000 values, or with more than 50,000 members in one object': calling(
    rpcResultText(`{"content":[${'1,'.repeat(1_000_000)}1]}`),
    UNSAFE,
  ),
  'An answer with a key or a number of more than 65,536 characters': calling(
    rpcResultText(`{"content":[],"structuredContent":{"${'k'.repeat(65_537)}":1}}`),
    UNSAFE,
  ),
  "More than the server's `maxResultBytes`": async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register({ maxResultBytes: 1024 });
    server.on('tools/call', rpcResult({ content: [{ type: 'text', text: 'x'.repeat(1024) }] }));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'A session that is unknown (404), once: a new one is made': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.once('tools/call', httpStatus(404));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'HTTP 400 or 410 in a session where a `ping` is refused as well, once: a new one is made': async (
    stage,
  ) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.once('tools/call', httpStatus(400));
    server.on('ping', httpStatus(400));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'The same, also in the session made in its place': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.on('tools/call', httpStatus(400));
    server.on('ping', httpStatus(400));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'HTTP 400 without an answer to this call, in a session where a `ping` is answered': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.on('tools/call', httpStatus(400));
    server.on('ping', rpcResult({}));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'An event stream that ends early, where the server lets it be resumed (`Last-Event-ID`)': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.on('tools/call', (response, request) => {
      const answer = { jsonrpc: '2.0', id: request.id ?? 0, result: TEXT };
      server.once(
        'GET',
        events(() => [answer]),
      );
      events(() => [`retry: 1\n${eventWithId('e1')}`])(response, request);
    });
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
};

const CREDENTIALS: Record<string, Condition> = {
  'The token becomes due before the call is sent: it is renewed first': {
    file: 'test/mcp/due-tokens.test.ts',
    test: 'is not made where that happens while its session opens',
  },
  'HTTP 401, and the renewed token is accepted': refused401(1),
  'HTTP 401, also to the renewed token': refused401(Number.POSITIVE_INFINITY),
  'The user has never connected the server, or has disconnected it': (stage) =>
    ofUser(stage, stage.world.users.newUser()),
  'The refresh token is refused': async (stage) => {
    const user = await connectedUser(stage);
    stage.world.authorizationServer.control.revokeGrants(user);
    return ofUser(stage, user);
  },
  'The access token has expired, and the authorization server has issued no refresh token': async (stage) => {
    const user = stage.world.users.newUser();
    const { refreshToken: _, ...deposit } = await stage.world.users.consent(user);
    await stage.world.users.deposit(user, { ...deposit, expiresIn: 0 });
    return ofUser(stage, user);
  },
  "The token endpoint says no in words that are not the standard's: at once where they ask for a person, else after three requests in about a minute":
    {
      file: 'test/races/token-endpoint-verdicts.proof.ts',
      test: 'words that nobody knows: asks twice more in about a minute, then pauses as refresh-refused',
    },
  "The authorization server refuses the operator's client, until `timeouts.unavailable`": {
    file: 'test/workflows/mcp-step-operator.test.ts',
    test: 'ends the step when it may wait no longer, says what to do and asks no user',
  },
  'The user does not reconnect within `timeouts.reauth`': async (stage) => {
    const user = stage.world.users.newUser();
    const { stepId } = await stage.world.steps.start(user, { timeouts: { reauth: '100ms' } });
    await stage.world.steps.until(user, stepId, 'error');
    return seenOf(stage, user, stepId, () => 0);
  },
  'HTTP 403 with a challenge `insufficient_scope`': async (stage) =>
    ofUser(stage, await connectedUser(stage), { tool: 'export_ledger', arguments: {} }),
  'The same challenge again after a deposit': async (stage) => {
    const { world } = stage;
    const user = await connectedUser(stage);
    const { stepId } = await world.steps.start(user, { tool: 'export_ledger', arguments: {} });
    await world.steps.until(user, stepId, 'awaiting-input');
    await world.users.connect(user);
    await world.steps.until(user, stepId, 'error');
    return seenOf(stage, user, stepId, () => callsOf(stage, user));
  },
  'HTTP 403 without that challenge': calling(httpStatus(403)),
  'HTTP 401 to the token that the operator registered': async (stage) => {
    const auth = { type: 'bearer', token: 'static' };
    const { server, mcpServerId } = await stage.scripted.register({ auth });
    server.on('tools/call', httpStatus(401));
    return observe(stage, mcpServerId, UNSAFE, () => server.count('tools/call'));
  },
  'The server is not registered': (stage) => observe(stage, newServerId(), {}, () => 0),
};

const PEOPLE: Record<string, Condition> = {
  "The step's mode wants approval": calling(rpcResult(TEXT), { mode: 'automated-with-confirmation' }),
  'The user rejects it': afterAsking((world, user, stepId) => world.steps.reject(user, stepId)),
  'Nobody approves within `timeouts.approval`': afterAsking(async () => {}, { approval: '100ms' }),
  "The step's input is invalid": calling(rpcResult(TEXT), { title: '' }),
  'A number in the arguments that JavaScript rounds (over HTTP: a 400 `number-not-exact`, and no step)':
    calling(rpcResult(TEXT), { arguments: { id: Number('918273645546372817') } }),
  'The step is cancelled': async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.on('tools/call', hang());
    const user = stage.world.users.newUser();
    const { stepId } = await stage.world.steps.start(user, { mcpServerId, tool: 'echo' });
    await server.arrived('tools/call');
    await stage.world.steps.cancel(user, stepId);
    await stage.world.steps.until(user, stepId, 'cancelled');
    return seenOf(stage, user, stepId, () => server.count('tools/call'));
  },
};

/** Each row of docs/outcomes.md, by its first cell. */
export const CONDITIONS: Record<string, Condition> = {
  ...NOT_SENT,
  ...LOST,
  ...ANSWERED,
  ...CREDENTIALS,
  ...PEOPLE,
};

function announcingTasks(): Record<string, unknown> {
  return { ...initializeResult(), capabilities: { tools: {}, tasks: { requests: { tools: { call: {} } } } } };
}

/** A server that answers every `tools/call` so. */
function calling(reply: Reply, changes: Changes = {}): Condition {
  return misbehavingAt('tools/call', reply, changes);
}

/** A server that answers every `initialize` so. */
function opening(reply: Reply, changes: Changes = {}): Condition {
  return misbehavingAt('initialize', reply, changes);
}

function misbehavingAt(what: string, reply: Reply, changes: Changes): Condition {
  return async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register();
    server.on(what, reply);
    return observe(stage, mcpServerId, { ...UNSAFE, ...changes }, () => server.count('tools/call'));
  };
}

async function at(stage: Stage, url: string): Promise<Observed> {
  const mcpServerId = newServerId();
  await stage.world.register(mcpServerId, { url, auth: { type: 'none' } });
  return observe(stage, mcpServerId, BRIEFLY, () => 0);
}

function annotated(registration: object, changes: Changes): Condition {
  return async (stage) => {
    const { server, mcpServerId } = await stage.scripted.register(registration);
    server.on('tools/list', rpcResult(READ_ONLY_ECHO));
    server.on('tools/call', httpStatus(500));
    return observe(stage, mcpServerId, changes, () => server.count('tools/call'));
  };
}

function resolved(resolution: Parameters<World['steps']['resolve']>[2]): Condition {
  return async (stage) => {
    const { world } = stage;
    const { server, mcpServerId } = await stage.scripted.register();
    server.once('tools/call', httpStatus(500));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo', ...UNSAFE });
    await world.steps.until(user, stepId, 'awaiting-input');
    // A busy machine's worker may answer no decision in time; the step still waits then, or has taken it.
    await vi.waitFor(
      async () =>
        expect(await world.steps.resolve(user, stepId, resolution)).not.toEqual({ kind: 'no-worker' }),
      { timeout: 30_000 },
    );
    await world.steps.until(user, stepId, 'success', 'error');
    return seenOf(stage, user, stepId, () => server.count('tools/call'));
  };
}

function afterAsking(
  decide: (world: World, user: string, stepId: string) => Promise<unknown>,
  timeouts: NonNullable<Changes['timeouts']> = {},
): Condition {
  return async (stage) => {
    const { world } = stage;
    const { server, mcpServerId } = await stage.scripted.register();
    const user = world.users.newUser();
    const mode = 'automated-with-confirmation';
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo', mode, timeouts });
    await world.steps.until(user, stepId, 'awaiting-input', 'error');
    await decide(world, user, stepId);
    await world.steps.until(user, stepId, 'error', 'skipped');
    return seenOf(stage, user, stepId, () => server.count('tools/call'));
  };
}

function refused401(times: number): Condition {
  return async (stage) => {
    const user = await connectedUser(stage);
    stage.world.mcpServer.control.interceptRequests(
      { do: 'answer', status: 401 },
      { user, rpcMethod: 'tools/call', times },
    );
    return ofUser(stage, user);
  };
}

async function connectedUser({ world }: Stage): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

async function ofUser(stage: Stage, user: string, changes: Changes = {}): Promise<Observed> {
  const { stepId } = await stage.world.steps.start(user, changes);
  return seenOf(stage, user, stepId, () => callsOf(stage, user));
}

function callsOf({ world }: Stage, user: string): number {
  return world.mcpServer.requests({ user, rpcMethod: 'tools/call' }).length;
}

async function observe(
  stage: Stage,
  mcpServerId: string,
  changes: Changes,
  calls: () => number,
): Promise<Observed> {
  const user = stage.world.users.newUser();
  const { stepId } = await stage.world.steps.start(user, {
    mcpServerId,
    tool: 'echo',
    arguments: {},
    ...changes,
  });
  return seenOf(stage, user, stepId, calls);
}

async function seenOf(
  { world }: Stage,
  user: string,
  stepId: string,
  calls: () => number,
): Promise<Observed> {
  const step = await world.steps.until(
    user,
    stepId,
    ...(['success', 'error', 'skipped', 'cancelled', 'awaiting-input'] as const),
  );
  return { step, calls: calls() };
}
