import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const SECRET = 'confidential-content';

const test = testInWorld({ payloadKeys: [{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }] });
let step: StepView;

test.beforeAll(async ({ world }) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  step = await world.steps.start(user, { arguments: { customer: SECRET, amount: 7 } });
  await world.steps.result(step);
});

test("Temporal's CLI shows a step in clear with an admin's token for the codec", async ({ world, api }) => {
  const token = await api.tokenOf('operator', 'latchkey:admin');

  const shown = await temporal(world, 'workflow', 'show', ...ofStep(), ...codec(api, token));

  expect(shown).toContain(SECRET);
  expect(shown).toContain('"tool":"create_invoice"');
});

test('Temporal’s CLI queries a step, which has no arguments to encrypt', async ({ world, api }) => {
  const token = await api.tokenOf('operator', 'latchkey:admin');

  const answer = await temporal(
    world,
    'workflow',
    'query',
    ...ofStep(),
    '--type',
    'step',
    ...codec(api, token),
  );

  expect(answer).toContain(SECRET);
});

test('Temporal’s CLI shows ciphertext without a token', async ({ world, api }) => {
  const shown = await temporal(world, 'workflow', 'show', ...ofStep());

  expect(shown).toContain('binary/encrypted');
  expect(shown).not.toContain(SECRET);
  await expect(
    temporal(world, 'workflow', 'show', ...ofStep(), ...codec(api, await api.tokenOf('anybody'))),
  ).rejects.toThrow('Command failed');
});

test('Temporal’s CLI encrypts what it sends', async ({ world, api }) => {
  const token = await api.tokenOf('operator', 'latchkey:admin');
  const taskQueue = ['--task-queue', `${world.config.taskQueue}-nobody`];
  const workflow = ['--workflow-id', `cli-${step.stepId}`, '--type', 'anything'];
  const input = ['--input', JSON.stringify({ customer: SECRET })];

  await temporal(world, 'workflow', 'start', ...workflow, ...taskQueue, ...input, ...codec(api, token));

  const handle = world.temporal.client.workflow.getHandle(`cli-${step.stepId}`);
  const [started] = (await handle.fetchHistory()).events ?? [];
  const [payload] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect(Buffer.from(payload?.metadata?.encoding ?? []).toString()).toBe('binary/encrypted');
  expect(
    await temporal(
      world,
      'workflow',
      'show',
      '--workflow-id',
      handle.workflowId,
      ...JSON_OUTPUT,
      ...codec(api, token),
    ),
  ).toContain(SECRET);
  await handle.terminate();
});

const JSON_OUTPUT = ['--output', 'json'];

function ofStep(): string[] {
  return ['--workflow-id', step.workflowId, ...JSON_OUTPUT];
}

function codec(api: TestApi, token: string): string[] {
  return ['--codec-endpoint', `${api.url}/codec`, '--codec-auth', `Bearer ${token}`];
}

async function temporal(world: World, ...args: string[]): Promise<string> {
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('no Temporal CLI: run `node scripts/setup.mjs --for test`');
  const { address, namespace } = world.temporal;
  const where = ['--address', address, '--namespace', namespace];
  const { stdout } = await promisify(execFile)(cli.path, [...args, ...where], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.replaceAll(/(?<=": ")[A-Za-z0-9+/]{8,}={0,2}(?=")/g, decodedOrSame);
}

/** The CLI's JSON has bytes in base64; much else looks like it. */
function decodedOrSame(text: string): string {
  const decoded = Buffer.from(text, 'base64');
  return decoded.toString('base64') === text ? decoded.toString() : text;
}
