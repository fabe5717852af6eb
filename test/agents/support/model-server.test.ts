import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ModelServer, startModelServer } from './model-server.ts';

let models: ModelServer;

beforeAll(async () => {
  models = await startModelServer();
});

afterAll(() => models.stop());

const tool = { type: 'function', name: 'add', parameters: { type: 'object' }, strict: false };
const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: 'done' });

test('a model plays its script by what the request says has been done', async () => {
  models.script('adder', [
    {
      call: [
        { tool: 'add', arguments: { a: 1 } },
        { tool: 'add', id: 'same' },
      ],
    },
    { call: [{ tool: 'add', id: 'same' }] },
    { say: 'added' },
  ]);

  expect((await ask('adder', [])).body.output).toMatchObject([
    { type: 'function_call', call_id: 'call_0_0', name: 'add', arguments: '{"a":1}' },
    { type: 'function_call', call_id: 'same', arguments: '{}' },
  ]);
  const second = [output('call_0_0'), output('same')];
  expect((await ask('adder', second)).body.output).toMatchObject([{ call_id: 'same' }]);
  expect((await ask('adder', second)).body.output).toMatchObject([{ call_id: 'same' }]);
  expect((await ask('adder', [...second, output('same')])).body.output).toMatchObject([
    { type: 'message', content: [{ type: 'output_text', text: 'added' }] },
  ]);
  expect(models.requests('adder').map(({ tools, outputs }) => [tools[0]?.name, outputs.length])).toEqual([
    ['add', 0],
    ['add', 2],
    ['add', 2],
    ['add', 3],
  ]);
});

test('a model without a turn for the request is a bad request', async () => {
  models.script('silent', [{ call: [{ tool: 'add' }] }]);

  expect(await ask('silent', [output('call_0_0')])).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('no turn') } },
  });
  expect(await ask('unknown', [])).toMatchObject({ status: 400 });
});

async function ask(model: string, input: unknown[]): Promise<{ status: number; body: { output?: unknown } }> {
  const response = await fetch(`${models.environment.OPENAI_BASE_URL}/responses`, {
    method: 'POST',
    body: JSON.stringify({ model, input, tools: [tool] }),
  });
  // The cast names the only member that the tests look at.
  return { status: response.status, body: (await response.json()) as { output?: unknown } };
}
