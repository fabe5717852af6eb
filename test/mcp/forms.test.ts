import { describe, expect, test } from 'vitest';
import type { McpSdkAdapterDeps } from '../../src/mcp/sdk/sdk-adapter.ts';
import { events } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const FORM = {
  jsonrpc: '2.0',
  id: 'form',
  method: 'elicitation/create',
  params: {
    message: 'Who are you?',
    requestedSchema: {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer', default: 30 } },
    },
  },
};

/** Calls a tool that sends a form before its result. */
async function callSendingForm(changes: Omit<McpSdkAdapterDeps, 'guardedFetch'>) {
  const server = await scriptedServer();
  server.on(
    'tools/call',
    events(({ id }) => [FORM, { jsonrpc: '2.0', id, result: { content: ['done'] } }]),
  );
  await testAdapter(changes).callTool(targetOf(server.url), callOf());
  const answer = await server.arrived('response');
  const initialize = await server.arrived('initialize');
  return { announced: initialize.params.capabilities, answer };
}

describe('a form that a server sends while its tool runs', () => {
  test('is not announced, and refused as an unknown method', async () => {
    const { announced, answer } = await callSendingForm({});
    expect(announced).toEqual({});
    expect(answer.error).toMatchObject({ code: -32601 });
  });

  test('is announced and answered where the adapter has someone to fill it in, defaults included', async () => {
    const messages: string[] = [];
    const { announced, answer } = await callSendingForm({
      fillForm: async (message) => {
        messages.push(message);
        return { action: 'accept', content: { name: 'Ada' } };
      },
    });
    expect(announced).toEqual({ elicitation: { form: { applyDefaults: true } } });
    expect(messages).toEqual(['Who are you?']);
    expect(answer.result).toEqual({ action: 'accept', content: { name: 'Ada', age: 30 } });
  });

  test('is also answered where the server sends it in the standalone stream', async () => {
    const server = await scriptedServer();
    server.on(
      'GET',
      events(() => [FORM], { open: true }),
    );
    await testAdapter({ fillForm: async () => ({ action: 'accept', content: {} }) }).callTool(
      targetOf(server.url),
      callOf(),
    );
    expect((await server.arrived('response')).result).toEqual({ action: 'accept', content: { age: 30 } });
  });

  test('can be declined', async () => {
    const { answer } = await callSendingForm({ fillForm: async () => ({ action: 'decline' }) });
    expect(answer.result).toEqual({ action: 'decline' });
  });
});
