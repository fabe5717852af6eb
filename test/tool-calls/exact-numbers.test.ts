import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { EXACT } from '../support/number-literals.ts';
import { rpcResult, rpcResultText } from '../support/scripted-mcp-server.ts';
import type { ScriptedServers } from '../support/scripted-servers.ts';
import type { World } from '../support/world.ts';

const LONG = '918273645546372817';

const test = testInWorld();

/** A body as it is written: `JSON.stringify` would round its numbers. */
async function post(api: TestApi, user: string, path: string, body: string) {
  const answer = await fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await api.tokenOf(user)}`, 'content-type': 'application/json' },
    body,
  });
  // Problems and steps alike are objects.
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function serverWithTool(world: World, scripted: ScriptedServers) {
  const { server, mcpServerId } = await scripted.register();
  const tool = { name: 'echo', inputSchema: { type: 'object' } };
  server.on('tools/list', rpcResult({ tools: [tool] }));
  return { server, mcpServerId, user: world.users.newUser(), stepId: randomUUID() };
}

describe('numbers in arguments', () => {
  test('reach the tool with their values, from the body over Temporal to the request', async ({
    world,
    api,
    scripted,
  }) => {
    const { server, mcpServerId, user, stepId } = await serverWithTool(world, scripted);
    const args = `{"n":[${EXACT.join()}],"id":"${LONG}"}`;

    const started = await post(
      api,
      user,
      '/steps',
      `{"mcpServerId":"${mcpServerId}","tool":"echo","stepId":"${stepId}","arguments":${args}}`,
    );

    expect(started.status).toBe(202);
    const { text } = await server.arrived('tools/call');
    const sent = /"n":\[([^\]]+)\],"id":"(\d+)"/.exec(text);
    expect(sent?.[1]?.split(',')).toEqual(EXACT.map((literal) => JSON.stringify(Number(literal))));
    expect(sent?.[2]).toBe(LONG);
    await world.steps.until(user, stepId, 'success');
  });

  test('that would be rounded are refused in an edit, and the step still waits', async ({
    world,
    api,
    scripted,
  }) => {
    const { server, mcpServerId, user, stepId } = await serverWithTool(world, scripted);
    const request = { mcpServerId, tool: 'echo', stepId, mode: 'automated-with-confirmation' };
    await post(api, user, '/steps', JSON.stringify(request));
    await world.steps.until(user, stepId, 'awaiting-input');

    const refused = await post(api, user, `/steps/${stepId}/approve`, `{"arguments":{"id":${LONG}}}`);
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'number-not-exact', errors: [{ path: 'arguments.id' }] },
    });
    await world.steps.until(user, stepId, 'awaiting-input');

    const approved = await post(
      api,
      user,
      `/steps/${stepId}/approve`,
      '{"arguments":{"id":9007199254740991}}',
    );
    expect(approved.status).toBe(200);
    expect((await server.arrived('tools/call')).text).toContain('"arguments":{"id":9007199254740991}');
    expect(server.count('tools/call')).toBe(1);
  });
});

describe('a number in a result that JavaScript rounds', () => {
  test.for([
    ['in history', ''],
    ['stored', 'x'.repeat(200_000)],
  ] as const)(
    'is named by a warning, with the number as it came: %s',
    async ([_, text], { world, api, scripted }) => {
      const { server, mcpServerId, user, stepId } = await serverWithTool(world, scripted);
      const content = JSON.stringify([{ type: 'text', text: `{"id":${LONG}}${text}` }]);
      server.on('tools/call', rpcResultText(`{"content":${content},"structuredContent":{"id":${LONG}}}`));
      await post(api, user, '/steps', JSON.stringify({ mcpServerId, tool: 'echo', stepId }));
      await world.steps.until(user, stepId, 'success');

      const { body } = await api.ask(user, `GET /steps/${stepId}`);

      // The cast names what the API promises.
      expect((body as StepView).result).toEqual({
        content: JSON.parse(content),
        structuredContent: { id: Number(LONG) },
        warnings: [`structuredContent.id is rounded: the server sent ${LONG}.`],
      });
    },
  );
});
