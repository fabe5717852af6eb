import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { afterAll, expect } from 'vitest';
import type { McpStepResult } from '../../src/contracts/step.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { listUserTools } from '../../src/tools/list-user-tools.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const EVERYTHING = 'everything';

const test = testInWorld();
let server: { url: string; stop(): Promise<void> };

test.beforeAll(async ({ world }) => {
  server = await startEverythingServer();
  await world.register(EVERYTHING, { url: server.url, auth: { type: 'none' } });
});

afterAll(async () => {
  await server.stop();
});

test('all of its tools are listed', async ({ world }) => {
  const listed = await listUserTools(world.services, { userId: 'ada', mcpServerId: EVERYTHING });

  const names = listed.kind === 'listed' ? listed.tools.map(({ name }) => name) : [];
  expect(names).toEqual(expect.arrayContaining(['echo', 'get-sum', 'get-tiny-image']));
});

test.for<[string, Record<string, unknown>, unknown]>([
  ['echo', { message: 'hello' }, [{ type: 'text', text: 'Echo: hello' }]],
  ['get-sum', { a: 2, b: 3 }, [{ type: 'text', text: expect.stringContaining('5') }]],
  [
    'get-tiny-image',
    {},
    expect.arrayContaining([
      { type: 'image', data: expect.stringMatching(/^[\w+/=]+$/), mimeType: 'image/png' },
    ]),
  ],
  [
    'get-resource-links',
    { count: 2 },
    expect.arrayContaining([expect.objectContaining({ type: 'resource_link' })]),
  ],
  [
    'get-annotated-message',
    { messageType: 'error', includeImage: false },
    [expect.objectContaining({ type: 'text', annotations: expect.any(Object) })],
  ],
] as const)('the tool %s returns its documented content', async ([tool, args, content], { world }) => {
  expect(await call(world, tool, args)).toEqual({
    status: 'success',
    result: expect.objectContaining({ content }),
  });
});

test('the structured content of a tool is returned with its text', async ({ world }) => {
  expect(await call(world, 'get-structured-content', { location: 'New York' })).toMatchObject({
    status: 'success',
    result: { structuredContent: { temperature: expect.any(Number) } },
  });
});

test('the progress of its long operation is in the timeline', async ({ world }) => {
  const user = world.users.newUser();
  const step = {
    mcpServerId: EVERYTHING,
    tool: 'trigger-long-running-operation',
    arguments: { duration: 1, steps: 4 },
  };
  const { stepId } = await world.steps.start(user, step);

  const { timeline } = await world.steps.until(user, stepId, 'success');

  expect(timeline.filter(({ event }) => event === 'progress').map(({ progress }) => progress)).toEqual([
    1, 2, 3, 4,
  ]);
});

test('an unknown tool and refused arguments end the step as an error', async ({ world }) => {
  expect(await call(world, 'no-such-tool', {})).toMatchObject({ error: { code: 'unknown-tool' } });
  expect(await call(world, 'get-sum', { a: 'two' })).toMatchObject({
    error: { code: expect.stringMatching(/^(tool-error|invalid-arguments)$/) },
  });
});

async function call(world: World, tool: string, args: Record<string, unknown>): Promise<McpStepResult> {
  const step = { mcpServerId: EVERYTHING, tool, arguments: args };
  return world.steps.result(await world.steps.start(world.users.newUser(), step));
}

/** The reference server that shows everything MCP has, over Streamable HTTP. */
async function startEverythingServer() {
  const port = await freePort();
  const main = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-everything/dist/index.js',
  );
  const child = spawn(process.execPath, [main, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for await (const line of createInterface({ input: child.stderr })) if (line.includes('listening')) break;
  child.stderr.resume();
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
