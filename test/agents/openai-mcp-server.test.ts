import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect } from 'vitest';
import { toolNameAmongOthers } from '../../src/agents/tool-names.ts';
import { latchkeyMcpServer } from '../../src/openai-agents.ts';
import { completed } from '../workflows/outcomes.ts';
import { CONNECT_URL } from '../workflows/scripted-activities.ts';
import { childrenOf, testWithAgents } from './agent-steps.ts';

const test = testWithAgents();

const TOOLS = [
  { name: 'create_invoice', inputSchema: { type: 'object' }, annotations: { readOnlyHint: false } },
];
const listed = [{ kind: 'listed' as const, tools: TOOLS, bytes: 100 }];

test('an MCP server for the OpenAI Agents SDK lists its tools once, and calls them as steps', async ({
  agents,
}) => {
  const { userId, play } = agents.user({ listTools: [listed, listed], invokeTool: [completed] });
  const options = {
    userId,
    taskQueue: agents.taskQueue,
    mcpServerId: 'ledger',
    account: 'work',
    onPause: 'return' as const,
  };
  const agent = await agents.start('mcpServerAgent', options, 'create_invoice');

  expect(await agent.result()).toEqual([
    'ledger_work',
    TOOLS,
    TOOLS,
    [
      { type: 'text', text: 'invoice 7' },
      { type: 'text', text: '{"id":7}' },
    ],
    TOOLS,
  ]);
  expect(play.order).toEqual(['listTools', 'invokeTool', 'listTools']);
  expect(play.inputs('invokeTool')).toMatchObject([
    { mcpServerId: 'ledger', account: 'work', tool: 'create_invoice' },
  ]);
  expect(new Set(await childrenOf(agent)).size).toBe(3);
});

const UNLISTED = {
  kind: 'reauth-required' as const,
  connectUrl: CONNECT_URL,
  reason: 'not-connected' as const,
  seen: { credentialVersion: 0, tokenVersion: 0 },
};

const TOLD = {
  mcpServerId: 'ledger',
  account: 'default',
  failure: { kind: 'auth', code: 'needs-oauth-reauth' },
  connectUrl: CONNECT_URL,
};

test('with onUnavailable, a server that can’t be listed has no tools until it can', async ({ agents }) => {
  const { userId, play } = agents.user({ listTools: [[UNLISTED], listed] });
  const options = { userId, taskQueue: agents.taskQueue, mcpServerId: 'ledger', waitUntilConnected: false };
  const agent = await agents.start('untroubledAgent', options);

  expect(await agent.result()).toEqual([[], TOOLS, [TOLD]]);
  expect(play.order).toEqual(['listTools', 'listTools']);
});

const CONNECT_NAME = toolNameAmongOthers({ mcpServerId: 'ledger', account: 'work' });

const CONNECT_TOOL = {
  name: CONNECT_NAME,
  description: expect.stringContaining('ledger, account work'),
  inputSchema: { type: 'object', properties: {}, required: [], additionalProperties: false },
};

test('an agent that does not wait gets the link by a tool, until the user has connected the server', async ({
  agents,
}) => {
  const { userId, play } = agents.user({ listTools: [[UNLISTED], listed], invokeTool: [completed] });
  const agent = await agents.start('connectingAgent', {
    userId,
    taskQueue: agents.taskQueue,
    mcpServerId: 'ledger',
    account: 'work',
    onPause: 'return',
    toolFilter: { allowedToolNames: ['create_invoice'], blockedToolNames: [CONNECT_NAME] },
  });

  const link = { type: 'text', text: expect.stringContaining(`Give the user this link: ${CONNECT_URL} `) };
  expect(await agent.result()).toEqual([
    { tools: [CONNECT_TOOL], filter: { allowedToolNames: [CONNECT_NAME] }, content: [link] },
    {
      tools: TOOLS,
      filter: { allowedToolNames: ['create_invoice'], blockedToolNames: [CONNECT_NAME] },
      content: [{ type: 'text', text: 'invoice 7' }, expect.anything()],
    },
  ]);
  expect(play.order).toEqual(['listTools', 'listTools', 'invokeTool']);
});

test('the link comes also from the tool of an earlier list, unless the server has a tool of this name', async ({
  agents,
}) => {
  const connecting = { taskQueue: agents.taskQueue, mcpServerId: 'ledger', onPause: 'return' as const };
  const late = agents.user({ listTools: [[UNLISTED], listed], invokeTool: [completed] });
  const agent = await agents.start('lateAgent', { ...connecting, userId: late.userId });
  expect(await agent.result()).toEqual([{ type: 'text', text: expect.stringContaining(CONNECT_URL) }]);
  expect(late.play.order).toEqual(['listTools', 'listTools']);

  const own = [{ kind: 'listed' as const, tools: [{ name: 'connect_ledger', inputSchema: {} }], bytes: 100 }];
  const named = agents.user({ listTools: [[UNLISTED], own], invokeTool: [completed] });
  const calling = await agents.start('lateAgent', { ...connecting, userId: named.userId });
  expect(await calling.result()).toMatchObject([{ text: 'invoice 7' }, {}]);
  expect(named.play.order).toEqual(['listTools', 'listTools', 'invokeTool']);
});

test('the tools of a server’s account and of a server that is called like both have two names', async ({
  agents,
}) => {
  const { userId } = agents.user({ listTools: [[UNLISTED], [UNLISTED]] });
  const options = { userId, taskQueue: agents.taskQueue, mcpServerId: '', onPause: 'return' as const };
  const agent = await agents.start('unconnectedAgent', options, [
    { mcpServerId: 'x', account: 'y' },
    { mcpServerId: 'x_y' },
  ]);

  expect(await agent.result()).toEqual([expect.stringMatching(/^connect_x_y_[0-9a-f]{8}$/), 'connect_x_y']);
});

test('onUnavailable is told of a server with such a tool too', async ({ agents }) => {
  const { userId } = agents.user({ listTools: [[UNLISTED], listed] });
  const options = { userId, taskQueue: agents.taskQueue, mcpServerId: 'ledger', onPause: 'return' as const };
  const agent = await agents.start('untroubledAgent', options);

  expect(await agent.result()).toMatchObject([[{ name: 'connect_ledger' }], TOOLS, [TOLD]]);
});

test('a server that no link helps with has no such tool', async ({ agents }) => {
  const failure = { kind: 'unknown', code: 'unknown-server' } as const;
  const { userId } = agents.user({ listTools: [[{ kind: 'failed', failure }], listed] });
  const options = { userId, taskQueue: agents.taskQueue, mcpServerId: 'ledger', onPause: 'return' as const };
  const agent = await agents.start('untroubledAgent', options);

  expect(await agent.result()).toMatchObject([[], TOOLS, [{ failure }]]);
});

test('without the tool, a list that fails says why and where the user connects', async ({ agents }) => {
  const { userId } = agents.user({ listTools: [[UNLISTED]] });
  const options = {
    userId,
    taskQueue: agents.taskQueue,
    mcpServerId: 'ledger',
    onPause: 'return' as const,
    connectTool: false,
  };
  const agent = await agents.start('mcpServerAgent', options, 'create_invoice');

  const failed = await agent.result().catch((error: unknown) => error);
  const cause = failed instanceof WorkflowFailedError ? failed.cause : undefined;
  expect(cause).toBeInstanceOf(ApplicationFailure);
  expect(cause).toMatchObject({
    type: 'McpToolsUnavailable',
    message: expect.stringContaining(`needs-oauth-reauth, the user connects it at ${CONNECT_URL}`),
  });
});

test.for([
  ['an exception', new Error('no parts'), 'An error occurred: Error: no parts.'],
  ['a cancellation', new CancelledFailure('Workflow cancelled'), 'The call was cancelled.'],
] as const)('the model is not asked to repeat a call after %s', async ([, error, what]) => {
  const { errorFunction } = latchkeyMcpServer({ userId: 'ada', mcpServerId: 'ledger' });
  // The cast is safe: the function reads the error alone.
  const words = await errorFunction?.({ error } as Parameters<typeof errorFunction>[0]);

  expect(words).toBe(
    `${what} The tool may or may not have run. Do not repeat the call unless the user asks for it.`,
  );
});
