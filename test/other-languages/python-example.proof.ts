import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { createWorld, type World } from '../support/world.ts';
import { type Program, pythonExample, runProgram } from './programs.ts';

const SET_UP_MS = 9 * 60_000;
const WAIT = { timeout: 60_000, interval: 500 };

let world: World;
let client: Program;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  world = await createWorld({ payloadKeys: 'none' });
  client = await pythonExample('client.py');
  const program = await pythonExample('worker.py');
  if (program.kind === 'ready') worker = await startWorker(program);
}, SET_UP_MS);

afterAll(async () => {
  if (worker) {
    worker.kill('SIGKILL');
    await once(worker, 'exit');
  }
  await world.stop();
});

describe('the Python workflow in examples/python', () => {
  test('pauses with its steps until its user has connected and approved', async (context) => {
    const user = world.users.newUser();
    const name = `run-${user}`;
    const run = python(context, 'run', user, name);

    await untilShown(
      context,
      [user, `${name}.invoice`],
      /^needs-oauth-reauth: open https:.*\/connect\/ledger/,
    );
    await world.users.connect(user);
    await untilShown(context, [user, `${name}.tell`], /^needs-approval: .*ann@example\.com/);
    expect(await python(context, 'approve', user, `${name}.tell`)).toBe('running');

    expect(await run).toMatch(/^invoice INV-\d+; message: sent$/);
    expect(await python(context, 'show', user, `${name}.invoice`)).toMatch(/^success: .*INV-\d+/);
    expect(world.mcpServer.calls({ user }).map(({ tool }) => tool)).toEqual([
      'create_invoice',
      'send_message',
    ]);
    expect(await python(context, 'approve', user, `${name}.tell`)).toBe(
      'refused: there is no such step, or it has ended',
    );
  });

  test('continues after a step that its user rejects', async (context) => {
    const user = world.users.newUser();
    const name = `run-${user}`;
    await world.users.connect(user);
    const run = python(context, 'run', user, name);
    await untilShown(context, [user, `${name}.tell`], /^needs-approval/);

    expect(await python(context, 'reject', user, `${name}.tell`, 'not now')).toBe('skipped: not now');

    expect(await run).toMatch(/^invoice INV-\d+; message: not sent: not now$/);
    expect((await world.steps.reported(user, `${name}.tell`)).timeline).toContainEqual(
      expect.objectContaining({ event: 'rejected', by: user }),
    );
  });

  test('asks what became of a call whose answer was lost, and ends with a step that is cancelled', async (context) => {
    const user = world.users.newUser();
    const name = `run-${user}`;
    await world.users.connect(user);
    world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user });
    const run = python(context, 'run', user, name);
    await untilShown(context, [user, `${name}.invoice`], /^outcome-unknown: .*resolve$/);

    const result = '{"structuredContent": {"id": "INV-7"}}';
    expect(await python(context, 'resolve', user, `${name}.invoice`, 'succeed', result)).toMatch(
      /^success: .*INV-7/,
    );

    await untilShown(context, [user, `${name}.tell`], /^needs-approval/);
    expect(await python(context, 'cancel', user, `${name}.tell`)).toBe('cancellation requested');
    expect(await run).toContain('Cancelled');
    expect(await python(context, 'show', user, `${name}.tell`)).toBe('cancelled');
    expect(await python(context, 'cancel', user, `${name}.none`)).toBe(
      'refused: there is no such step, or it has ended',
    );
    expect(world.mcpServer.calls({ user }).map(({ tool }) => tool)).toEqual(['create_invoice']);
  });

  test('ends with the error of a step', async (context) => {
    const user = world.users.newUser();
    const name = `run-${user}`;

    expect(await python(context, 'run', user, name, 'no-such-server')).toMatch(
      /^no invoice: misconfigured: /,
    );
    expect(await python(context, 'show', user, `${name}.invoice`)).toMatch(/^error: misconfigured: /);
  });
});

async function untilShown(context: TestContext, step: [user: string, stepId: string], shown: RegExp) {
  await vi.waitFor(async () => expect(await python(context, 'show', ...step)).toMatch(shown), WAIT);
}

async function python(context: TestContext, ...args: string[]): Promise<string> {
  if (client.kind === 'missing' && process.env.CI !== 'true') context.skip(client.what);
  const { stdout, stderr } = await runProgram(client, args, environment());
  return stdout.trim() || stderr;
}

async function startWorker({ command, args }: Extract<Program, { kind: 'ready' }>): Promise<ChildProcess> {
  const env = { ...process.env, ...environment() };
  const started = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const first = await Promise.race([
    once(started.stdout, 'data').then(() => 'ready'),
    once(started, 'exit').then(() => 'ended'),
  ]);
  if (first === 'ended') throw new Error('worker.py has ended at once');
  return started;
}

function environment(): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: world.temporal.address,
    TEMPORAL_NAMESPACE: world.temporal.namespace,
    TEMPORAL_TASK_QUEUE: world.config.taskQueue,
    PYTHONDONTWRITEBYTECODE: '1',
  };
}
