import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTemporalCli } from '../../src/dev/embedded/server-binaries.ts';
import { uniqueTaskQueue } from '../support/temporal.ts';
import { withSource } from '../support/with-source.ts';
import { createWorld, type World } from '../support/world.ts';

const exec = promisify(execFile);
const PAGE = new URL('../../docs/nexus.md', import.meta.url);
const EXPORTED = fileURLToPath(new URL('../../src/nexus.ts', import.meta.url));

const [namespace, endpoint] = [uniqueTaskQueue('agents'), uniqueTaskQueue('latchkey')];
let world: World;
let folder: string;
let worker: Worker;
let running: Promise<void>;

beforeAll(async () => {
  world = await createWorld({ payloadKeys: 'none' });
  await runCommands();
  // Beside the tests, so that the code finds the packages.
  folder = await mkdtemp(fileURLToPath(new URL('page-', import.meta.url)));
  const workflowsPath = join(folder, 'workflows.ts');
  await writeFile(workflowsPath, withNames(await blockOf('ts')));
  worker = await Worker.create({
    connection: world.temporal.nativeConnection,
    namespace,
    taskQueue: 'agents',
    workflowsPath,
    bundlerOptions: { webpackConfigHook: withSource('latchkey/nexus', EXPORTED) },
  });
  running = worker.run();
});

afterAll(async () => {
  worker.shutdown();
  await running;
  await rm(folder, { recursive: true });
  await world.stop();
});

test('the commands and the workflow of docs/nexus.md work as they are written', async () => {
  const user = world.users.newUser();
  await world.users.connect(user);

  expect(JSON.parse(await createInvoice(user, '1', 42))).toMatchObject({ customer: 'ACME', amount: 42 });
  expect(await createInvoice(user, '1', 43)).toBe(
    'refused: step-conflict: This stepId belongs to a step with another request.',
  );
  expect(await createInvoice(user, 'a b', 42)).toBe(
    'refused: invalid-request: stepId must be 1–128 of A–Z a–z 0–9 . _ ~ -.',
  );
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
});

function createInvoice(...args: [userId: string, invoice: string, amount: number]): Promise<string> {
  const client = new Client({ connection: world.temporal.client.connection, namespace });
  const workflowId = uniqueTaskQueue('create-invoice');
  return client.workflow.execute('createInvoice', { taskQueue: 'agents', workflowId, args });
}

async function runCommands(): Promise<void> {
  const cli = findTemporalCli(process.env);
  if (cli.kind !== 'found') throw new Error('no Temporal CLI');
  const commands = withNames(await blockOf('sh')).replaceAll(/^temporal /gm, `${cli.path} `);
  await exec('sh', ['-ec', commands], { env: { ...process.env, TEMPORAL_ADDRESS: world.temporal.address } });
}

/** The page's names, replaced by those of this test. */
function withNames(text: string): string {
  const { temporal, config } = world;
  return text
    .replace('--namespace agents', `--namespace ${namespace}`)
    .replace('--name latchkey', `--name ${endpoint}`)
    .replace('--target-namespace default', `--target-namespace ${temporal.namespace}`)
    .replace('--target-task-queue mcp-steps', `--target-task-queue ${config.taskQueue}`)
    .replace("endpoint: 'latchkey'", `endpoint: '${endpoint}'`);
}

async function blockOf(language: 'sh' | 'ts'): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? '';
}
