import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { createWorld, type World } from '../support/world.ts';

const SECRET = 'confidential-content';

let world: World;
let api: TestApi;
let step: StepView;

beforeAll(async () => {
  world = await createWorld({ payloadKeys: [{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }] });
  api = await startTestApi(world);
  const user = world.newUser();
  await world.connect(user);
  step = await world.start(user, { arguments: { customer: SECRET, amount: 7 } });
  await world.result(step);
});

afterAll(async () => {
  await api.stop();
  await world.stop();
});

test("Temporal's CLI shows a step in clear with an admin's token for the codec", async () => {
  const token = await api.tokenOf('operator', 'latchkey:admin');

  const shown = await temporal('workflow', 'show', ...ofStep(), ...codec(token));

  expect(shown).toContain(SECRET);
  expect(shown).toContain('"tool":"create_invoice"');
});

test('it asks a step how it stands, which has no arguments to encrypt', async () => {
  const token = await api.tokenOf('operator', 'latchkey:admin');

  const answer = await temporal('workflow', 'query', ...ofStep(), '--type', 'step', ...codec(token));

  expect(answer).toContain(SECRET);
});

test('without one it shows ciphertext', async () => {
  const shown = await temporal('workflow', 'show', ...ofStep());

  expect(shown).toContain('binary/encrypted');
  expect(shown).not.toContain(SECRET);
  await expect(
    temporal('workflow', 'show', ...ofStep(), ...codec(await api.tokenOf('anybody'))),
  ).rejects.toThrow('Command failed');
});

test('it encrypts what it sends', async () => {
  const token = await api.tokenOf('operator', 'latchkey:admin');
  const taskQueue = ['--task-queue', `${world.config.taskQueue}-nobody`];
  const workflow = ['--workflow-id', `cli-${step.stepId}`, '--type', 'anything'];
  const input = ['--input', JSON.stringify({ customer: SECRET })];

  await temporal('workflow', 'start', ...workflow, ...taskQueue, ...input, ...codec(token));

  const handle = world.temporal.client.workflow.getHandle(`cli-${step.stepId}`);
  const [started] = (await handle.fetchHistory()).events ?? [];
  const [payload] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect(Buffer.from(payload?.metadata?.encoding ?? []).toString()).toBe('binary/encrypted');
  expect(
    await temporal('workflow', 'show', '--workflow-id', handle.workflowId, ...JSON_OUTPUT, ...codec(token)),
  ).toContain(SECRET);
  await handle.terminate();
});

const JSON_OUTPUT = ['--output', 'json'];

function ofStep(): string[] {
  return ['--workflow-id', step.workflowId, ...JSON_OUTPUT];
}

function codec(token: string): string[] {
  return ['--codec-endpoint', `${api.url}/codec`, '--codec-auth', `Bearer ${token}`];
}

async function temporal(...args: string[]): Promise<string> {
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
