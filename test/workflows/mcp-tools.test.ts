import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { describe, expect } from 'vitest';
import type { ToolListing } from '../../src/contracts/activities.ts';
import type { McpToolsInput, McpToolsResult } from '../../src/contracts/mcp-tools.ts';
import { credentialDeposited, credentialsRestored } from '../../src/contracts/messages.ts';
import type { ConnectionReason } from '../../src/contracts/step.ts';
import { parseListingInput } from '../../src/workflows/tools/listing-input.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { seen } from './outcomes.ts';
import { CONNECT_URL, type Script } from './scripted-activities.ts';
import { type ScriptedStep, type ScriptedSteps, stepIdOf } from './scripted-steps.ts';

const TOOL = { name: 'create_invoice', inputSchema: { type: 'object' } };
const LISTED: ToolListing = { kind: 'listed', tools: [TOOL], bytes: 60 };
const WAIT = { wait: true, connectUrl: CONNECT_URL };
const MOVED_ON = { wait: false, connectUrl: CONNECT_URL };
const INPUT: McpToolsInput = {
  userId: 'ada',
  servers: [{ mcpServerId: 'ledger' }, { mcpServerId: 'crm', account: 'work' }],
};
const WAITING: McpToolsInput = { ...INPUT, waitUntilConnected: true };
const TOOLS = {
  servers: [
    { mcpServerId: 'ledger', account: 'default', tools: [TOOL] },
    { mcpServerId: 'crm', account: 'work', tools: [TOOL] },
  ],
};
const DAY_MS = 24 * 3_600_000;

const test = testWithTimeSkipping();

function unconnected(version: number, reason: ConnectionReason | 'not-connected' = 'not-connected') {
  return {
    kind: 'reauth-required',
    seen: seen(version),
    reason,
    connectUrl: CONNECT_URL,
  } satisfies ToolListing;
}

function start(steps: ScriptedSteps, script: Script, input: unknown = WAITING) {
  return steps.start(script, { type: 'mcpTools', args: [input] });
}

// The cast names what these tests then check.
const resultOf = ({ handle }: ScriptedStep) => handle.result() as Promise<McpToolsResult>;

const depositCrm = ({ handle }: ScriptedStep, version: number) =>
  handle.signal(credentialDeposited, { mcpServerId: 'crm', account: 'work', version });

const eventsOf = async (step: ScriptedStep) => (await step.view()).timeline.map(({ event }) => event);

describe('a listing that does not wait', () => {
  test('returns the tools of every server, or why they could not be listed', async ({ steps }) => {
    const step = await start(steps, { listTools: [[LISTED, unconnected(0)]] }, INPUT);

    expect(await resultOf(step)).toEqual({
      servers: [
        TOOLS.servers[0],
        {
          mcpServerId: 'crm',
          account: 'work',
          failure: { kind: 'auth', code: 'needs-oauth-reauth' },
          connectUrl: CONNECT_URL,
        },
      ],
    });
    expect(step.play.order).toEqual(['listTools']);
    expect(step.play.inputs('listTools')).toEqual([
      { userId: 'ada', servers: INPUT.servers, detail: 'full', maxBytes: 1024 * 1024 },
    ]);
    expect(await step.events()).not.toContain('upsertWorkflowSearchAttributes');
  });

  test('lists only the servers again whose failure may pass, within the bytes that are left', async ({
    steps,
  }) => {
    const away: ToolListing = {
      kind: 'failed',
      failure: { kind: 'connection', code: 'server-unavailable' },
      mayPass: true,
    };
    const step = await start(steps, { listTools: [[LISTED, away], [away], [LISTED]] }, INPUT);

    expect(await resultOf(step)).toEqual(TOOLS);
    expect(step.play.inputs('listTools').slice(1)).toEqual(
      Array(2).fill({
        userId: 'ada',
        servers: [INPUT.servers[1]],
        detail: 'full',
        maxBytes: 1024 * 1024 - LISTED.bytes,
      }),
    );
  });

  test('gives up after half a minute, or sooner if the server asks for a longer wait', async ({ steps }) => {
    const failure = { kind: 'connection', code: 'server-unavailable' } as const;
    const away: ToolListing = { kind: 'failed', failure, mayPass: true };
    const step = await start(steps, { listTools: Array(50).fill([LISTED, away]).map(onlyCrmLater) }, INPUT);

    expect(await resultOf(step)).toMatchObject({ servers: [{ tools: [TOOL] }, { failure }] });
    expect(step.play.order.length).toBeGreaterThan(3);
    expect(step.play.order.length).toBeLessThan(15);

    const told = await start(steps, { listTools: [[LISTED, { ...away, retryAfterMs: 60_000 }]] }, INPUT);
    expect(await resultOf(told)).toMatchObject({ servers: [{ tools: [TOOL] }, { failure }] });
  });
});

function onlyCrmLater(both: ToolListing[], index: number): ToolListing[] {
  return index === 0 ? both : both.slice(1);
}

describe('a listing that waits', () => {
  test('goes on when each server is connected, and lists all of them again', async ({ steps }) => {
    const step = await start(steps, {
      listTools: [
        [unconnected(0), unconnected(3, 'invalid-grant')],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT, WAIT],
    });

    const paused = await step.until('awaiting-input');
    const ledger = {
      mcpServerId: 'ledger',
      account: 'default',
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'not-connected',
      connectUrl: CONNECT_URL,
    };
    const crm = { ...ledger, mcpServerId: 'crm', account: 'work', connectionReason: 'invalid-grant' };
    expect(paused).toMatchObject({
      kind: 'listing',
      title: 'List the tools of ledger and crm',
      tool: '',
      ...ledger,
      connections: [ledger, crm],
    });
    const waiter = { userId: 'ada', stepId: stepIdOf(step), tokenRejected: false };
    const registered = step.play.inputs('registerWaiter');
    expect(registered).toHaveLength(2);
    expect(registered).toContainEqual({ ...waiter, mcpServerId: 'ledger', seen: seen(0) });
    expect(registered).toContainEqual({ ...waiter, mcpServerId: 'crm', account: 'work', seen: seen(3) });

    await step.deposit(1);
    expect(await step.untilView((view) => view.mcpServerId === 'crm')).toMatchObject({
      status: 'awaiting-input',
      ...crm,
      connections: [crm],
    });
    expect(step.play.order.filter((name) => name === 'listTools')).toHaveLength(1);

    await depositCrm(step, 4);
    expect(await resultOf(step)).toEqual(TOOLS);
    expect(step.play.inputs('listTools')[1]).toMatchObject({ servers: WAITING.servers });
    expect(await eventsOf(step)).toEqual([
      'started',
      'awaiting-input',
      'connected',
      'awaiting-input',
      'connected',
      'resumed',
      'finished',
    ]);
    const ended = await step.view();
    expect(ended).toMatchObject({
      status: 'success',
      result: { content: [{ type: 'text', text: 'ledger: 1 tool\ncrm, work: 1 tool' }] },
    });
    expect(ended).not.toHaveProperty('connections');
  });

  test('does not pause if all are connected', async ({ steps }) => {
    const step = await start(steps, { listTools: [[LISTED, LISTED]] });

    expect(await resultOf(step)).toEqual(TOOLS);
    expect(step.play.order).toEqual(['listTools']);
  });

  test('does not wait for a deposit that came before it could register', async ({ steps }) => {
    const step = await start(steps, {
      listTools: [
        [unconnected(0), unconnected(0)],
        [LISTED, LISTED],
      ],
      registerWaiter: [MOVED_ON, MOVED_ON],
    });

    expect(await resultOf(step)).toEqual(TOOLS);
    expect(await eventsOf(step)).toEqual(['started', 'finished']);
  });

  test('pauses again for a server that still is not connected after a forged signal', async ({ steps }) => {
    const step = await start(steps, {
      listTools: [
        [LISTED, unconnected(0)],
        [LISTED, unconnected(0)],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT, WAIT],
    });
    await step.until('awaiting-input');
    await depositCrm(step, 99);
    await step.untilView(({ timeline }) => timeline.length === 5);
    await depositCrm(step, 1);

    expect(await resultOf(step)).toEqual(TOOLS);
    expect(step.play.order.filter((name) => name === 'registerWaiter')).toHaveLength(2);
  });

  test('ignores signals of other servers and accounts, of seen versions, and malformed ones', async ({
    steps,
  }) => {
    const step = await start(steps, {
      listTools: [
        [LISTED, unconnected(3)],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT],
    });
    await step.until('awaiting-input');
    for (const signal of [{ mcpServerId: 'crm', version: 9 }, { mcpServerId: 'x', version: 9 }, null, 'crm'])
      await step.handle.signal('credentialDeposited', signal);
    await step.deposit(9);
    await depositCrm(step, 3);
    expect((await step.view()).status).toBe('awaiting-input');
    expect(step.play.order).toEqual(['listTools', 'registerWaiter']);

    await depositCrm(step, 4);
    expect(await resultOf(step)).toEqual(TOOLS);
  });

  test('ends at the end of its pauses, and lists the others again', async ({ steps }) => {
    const input = { ...WAITING, timeouts: { reauth: '20 days' } };
    const step = await start(
      steps,
      {
        listTools: [[unconnected(0), unconnected(0)], [LISTED]],
        registerWaiter: [WAIT, WAIT],
        removeWaiter: [undefined],
      },
      input,
    );
    const begun = Date.parse((await step.until('awaiting-input')).updatedAt);
    await step.deposit(1);

    expect(await resultOf(step)).toEqual({
      servers: [
        TOOLS.servers[0],
        {
          mcpServerId: 'crm',
          account: 'work',
          failure: { kind: 'auth', code: 'reauth-timed-out' },
          connectUrl: CONNECT_URL,
        },
      ],
    });
    const ended = await step.view();
    expect(ended).toMatchObject({
      status: 'error',
      error: {
        code: 'reauth-timed-out',
        message: 'could not list the tools of crm (reauth-timed-out)',
      },
    });
    expect(Date.parse(ended.updatedAt) - begun).toBeGreaterThanOrEqual(20 * DAY_MS);
    expect(Date.parse(ended.updatedAt) - begun).toBeLessThan(21 * DAY_MS);
    expect(step.play.inputs('listTools')[1]).toMatchObject({ servers: [{ mcpServerId: 'ledger' }] });
  });

  test('asks for nothing more after the end of its pauses', async ({ steps }) => {
    const input = { ...WAITING, timeouts: { reauth: '1h' } };
    const step = await start(
      steps,
      {
        listTools: [[LISTED, unconnected(0)], [unconnected(0)], []],
        registerWaiter: [WAIT, WAIT],
        removeWaiter: [undefined, undefined],
      },
      input,
    );

    const { servers } = await resultOf(step);
    for (const server of servers) {
      expect(server).toMatchObject({ failure: { code: 'reauth-timed-out' }, connectUrl: CONNECT_URL });
    }
    expect(await eventsOf(step)).toEqual(['started', 'awaiting-input', 'resumed', 'finished']);
    expect((await step.view()).timeline.filter(({ event }) => event === 'awaiting-input')).toHaveLength(1);
  });

  test('asks for wider scopes once, and then takes them as refused', async ({ steps }) => {
    const challenged = (version: number): ToolListing => ({
      kind: 'insufficient-scope',
      seen: seen(version),
      challengedScopes: ['tools.read'],
      requiredScopes: ['openid', 'tools.read'],
      requestedScopes: ['openid', 'tools.read'],
    });
    const step = await start(steps, {
      listTools: [
        [LISTED, challenged(1)],
        [LISTED, challenged(2)],
      ],
      registerWaiter: [WAIT],
    });

    expect(await step.until('awaiting-input')).toMatchObject({
      awaitingInputReason: 'needs-oauth-scope',
      requiredScopes: ['openid', 'tools.read'],
      mcpServerId: 'crm',
    });
    expect(step.play.inputs('registerWaiter')).toMatchObject([{ requiredScopes: ['openid', 'tools.read'] }]);
    await depositCrm(step, 2);

    expect(await resultOf(step)).toMatchObject({
      servers: [{ tools: [TOOL] }, { failure: { kind: 'auth', code: 'forbidden' } }],
    });
  });

  test('registers its waiters again after the credentials were restored', async ({ steps }) => {
    const step = await start(steps, {
      listTools: [
        [LISTED, unconnected(0)],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT, MOVED_ON],
    });
    await step.until('awaiting-input');
    await step.handle.signal(credentialsRestored);

    expect(await resultOf(step)).toEqual(TOOLS);
  });

  test('removes its waiters when it is cancelled', async ({ steps }) => {
    const step = await start(steps, {
      listTools: [[unconnected(0), unconnected(0)]],
      registerWaiter: [WAIT, WAIT],
      removeWaiter: [undefined],
    });
    await step.until('awaiting-input');
    await step.handle.cancel();

    expect(await step.closed()).toBe('CANCELLED');
    expect(step.play.order.at(-1)).toBe('removeWaiter');
    expect(await step.view()).toMatchObject({ status: 'cancelled' });
  });

  test('takes no decisions', async ({ steps }) => {
    const step = await start(steps, { listTools: [[LISTED, unconnected(0)]], registerWaiter: [WAIT] });
    await step.until('awaiting-input');

    await expect(step.approve()).rejects.toThrow('NotWaiting');
    await expect(step.reject()).rejects.toThrow('NotWaiting');
    await expect(step.resolve({ action: 'retry' })).rejects.toThrow('NotWaiting');
    expect((await step.view()).status).toBe('awaiting-input');
    await step.handle.terminate();
  });
});

describe('an invalid input', () => {
  test.for<[string, unknown, RegExp]>([
    ['that is no object', 'x', /^the input must be one object$/],
    ['without servers', { userId: 'ada' }, /^servers is required$/],
    ['with no server', { userId: 'ada', servers: [] }, /^servers must be a list of 1 to 50 servers$/],
    ['with 51 servers', { userId: 'ada', servers: serversUpTo(51) }, /^servers must be a list/],
    [
      'with an unknown field',
      { userId: 'ada', servers: [{ mcpServerId: 's', tool: 'x' }], wait: true },
      /^wait is not a known field; servers\[0\]\.tool is not a known field$/,
    ],
    [
      'that names an account twice',
      { userId: 'ada', servers: [{ mcpServerId: 's' }, { mcpServerId: 's', account: 'default' }] },
      /^servers\[1\] is named twice$/,
    ],
    [
      'with a timeout that is too long',
      { userId: 'ada', servers: [{ mcpServerId: 's' }], timeouts: { reauth: '400 days', call: '5m' } },
      /timeouts\.reauth .*timeouts\.call is not a known field$/,
    ],
    [
      'with a user that the workflow id does not name',
      { userId: 'bob', servers: [{ mcpServerId: 's' }], waitUntilConnected: true },
      /^userId is not the user that the workflow id names$/,
    ],
  ])('%s fails the listing once and for all', async ([_what, input, message], { steps }) => {
    const step = await start(steps, {}, input);

    const failure: unknown = await resultOf(step).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const { cause } = failure as WorkflowFailedError;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({ type: 'invalid-arguments', nonRetryable: true });
    expect(cause?.message).toMatch(message);
    expect(step.play.order).toEqual([]);
  });

  test('may not name another user than the id of a listing that does not wait', () => {
    const input = { userId: 'bob', servers: [{ mcpServerId: 's' }] };
    expect(parseListingInput(input, 'tools/alice/x')).toEqual({
      ok: false,
      message: 'userId is not the user that the workflow id names',
    });
    expect(parseListingInput({ ...input, userId: 'alice' }, 'tools/alice/x')).toMatchObject({ ok: true });
  });

  test('may leave fields out as null, as clients in other languages do', async ({ steps }) => {
    const input = {
      userId: 'ada',
      servers: [{ mcpServerId: 'ledger', account: null }],
      waitUntilConnected: null,
      timeouts: null,
      detail: null,
      listId: null,
    };
    const step = await start(steps, { listTools: [[LISTED]] }, input);

    expect(await resultOf(step)).toEqual({ servers: [TOOLS.servers[0]] });
  });
});

function serversUpTo(count: number) {
  return Array.from({ length: count }, (_, n) => ({ mcpServerId: `s${n}` }));
}
