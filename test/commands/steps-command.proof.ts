import { describe, expect } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { INVOICE, type World } from '../support/world.ts';
import { jsonLines, latchkey, latchkeyWithInput, type RunningCommand } from './latchkey.ts';

const test = testInWorld(async () => ({ publicUrl: `http://127.0.0.1:${await freePort()}` }));
const ARGUMENTS = JSON.stringify(INVOICE);
const CALL = ['start', 'ledger', 'create_invoice', '--arguments', ARGUMENTS];
const ESCAPE = '\u001b';

describe('latchkey steps start', () => {
  test('prints the step, and follows it over a pause to its end with --wait', async ({ world, api }) => {
    const { user, steps } = await userOf(world, api);
    const started = await steps(...CALL, '--step-id', 's1').ended;
    expect(started.stdout).toMatch(
      /^s1\t(running|awaiting-input)\t\S*\tledger\tdefault\tcreate_invoice\t\t\S+\n$/,
    );

    const waiting = steps(...CALL, '--step-id', 's1', '--wait');
    await waiting.says(`Connect ledger: ${world.config.publicUrl}/connect/ledger?step=s1\n`);
    await world.users.connect(user);
    const { code, stdout } = await waiting.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nSucceeded\n\nINV-\d+ over 42 for ACME\n$/);
    expect(stdout.match(/Connect ledger/g)).toHaveLength(1);
    expect(stdout).not.toContain(ESCAPE);
  });

  test('prints one JSON object a line with --json and --wait', async ({ world, api }) => {
    const { steps } = await connectedUser(world, api);
    const { code, stdout } = await steps(...CALL, '--wait', '--json').ended;
    const lines = jsonLines(stdout);
    expect(lines.at(-1)).toMatchObject({ status: 'success', result: { structuredContent: INVOICE } });
    expect({ code, first: lines[0]?.tool }).toEqual({ code: 0, first: 'create_invoice' });
  });

  test('reads the arguments from standard input, and refuses a number that would be rounded', async ({
    world,
    api,
  }) => {
    const { environment } = await connectedUser(world, api);
    const call = ['steps', 'start', 'ledger', 'create_invoice', '--arguments', '-', '--wait'];
    expect(await latchkeyWithInput(ARGUMENTS, environment, ...call).ended).toMatchObject({ code: 0 });

    const inexact = '{"customer": "ACME", "amount": 9007199254740993}';
    const refused = await latchkeyWithInput(inexact, environment, ...call).ended;
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('--arguments: amount is a number');
  });

  test('refuses the id of another step, and says what to do', async ({ world, api }) => {
    const { steps } = await connectedUser(world, api);
    await steps(...CALL, '--step-id', 'taken').ended;
    const { code, stderr } = await steps('start', 'ledger', 'list_invoices', '--step-id', 'taken').ended;
    expect(code).toBe(1);
    expect(stderr).toContain('(step-conflict)\nChoose another --step-id');
  });
});

describe('the exit code of a followed step', () => {
  test('is 3 for an error', async ({ world, api }) => {
    const { steps } = await connectedUser(world, api);
    const { code, stdout } = await steps('start', 'ledger', 'fail', '--wait').ended;
    expect({ code, stdout }).toMatchObject({ code: 3, stdout: expect.stringContaining('(tool-error)') });
  });

  test('is 4 for a rejected step, after a pause that was printed once', async ({ world, api }) => {
    const { steps } = await connectedUser(world, api);
    const waiting = steps(...CALL, '--mode', 'automated-with-confirmation', '--step-id', 's2', '--wait');
    await waiting.says('or: latchkey steps approve s2\n');
    expect(await steps('reject', 's2', '--reason', 'wrong').ended).toMatchObject({ code: 0 });
    expect(await waiting.ended).toMatchObject({ code: 4, stdout: expect.stringMatching(/\nRejected\n$/) });
  });

  test('is 5 for a cancelled step, and 6 for one that still waits after --for', async ({ world, api }) => {
    const { steps } = await userOf(world, api);
    const paused = await steps(...CALL, '--step-id', 's3', '--for', '15s').ended;
    expect(paused).toMatchObject({ code: 6, stderr: expect.stringContaining('--for is over') });

    const watching = steps('show', 's3', '--watch');
    await watching.says('Needs a connection');
    expect(await steps('cancel', 's3').ended).toMatchObject({
      code: 0,
      stdout: 'Cancellation requested: s3\n',
    });
    expect(await watching.ended).toMatchObject({ code: 5 });
  });

  test('is 130 after Ctrl-C, and the step goes on', async ({ world, api }) => {
    const { steps } = await userOf(world, api);
    const waiting = steps(...CALL, '--step-id', 's4', '--wait');
    await waiting.says('Connect ledger');
    waiting.kill('SIGINT');
    const { code, stderr } = await waiting.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('The step goes on') });
    expect((await steps('show', 's4').ended).stdout).toContain('Waiting for you');
  });
});

describe('latchkey steps', () => {
  test('approve with other arguments, show, and list by status', async ({ world, api }) => {
    const { steps } = await connectedUser(world, api);
    await steps(...CALL, '--mode', 'automated-with-confirmation', '--step-id', 's5', '--for', '1ms').ended;
    await steps('show', 's5', '--watch', '--for', '10s').ended;
    const edited = JSON.stringify({ ...INVOICE, amount: 7 });
    const approved = await steps('approve', 's5', '--arguments', edited, '--wait').ended;
    expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining('over 7 for ACME') });

    const shown = await steps('show', 's5', '--json').ended;
    expect(JSON.parse(shown.stdout)).toMatchObject({ stepId: 's5', status: 'success' });
    const listed = async (...flags: string[]) =>
      JSON.parse((await steps('list', '--json', ...flags).ended).stdout);
    await expect.poll(() => listed('--status', 'success')).toMatchObject({ steps: [{ stepId: 's5' }] });
    expect(await listed('--status', 'cancelled', '--all')).toEqual({ steps: [] });
  });

  test('refuse a decision that the step does not wait for, and say what to do', async ({ world, api }) => {
    const { steps } = await connectedUser(world, api);
    await steps(...CALL, '--step-id', 's6', '--wait').ended;
    const { code, stderr } = await steps('resolve', 's6', 'retry').ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('(not-waiting)\n`latchkey steps'),
    });
    expect((await steps('show', 'nowhere').ended).stderr).toContain('(unknown-step)');
  });
});

interface CommandsOf {
  user: string;
  environment: Record<string, string>;
  steps(...args: string[]): RunningCommand;
}

async function userOf(world: World, api: TestApi): Promise<CommandsOf> {
  const user = world.users.newUser();
  const environment = { LATCHKEY_URL: api.url, LATCHKEY_TOKEN: await api.tokenOf(user) };
  return { user, environment, steps: (...args) => latchkey(environment, 'steps', ...args) };
}

async function connectedUser(world: World, api: TestApi): Promise<CommandsOf> {
  const commands = await userOf(world, api);
  await world.users.connect(commands.user);
  return commands;
}
