import { describe, expect } from 'vitest';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT, reauthRequired, renewed, seen, tokenStale } from './outcomes.ts';
import { INPUT } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const TIMED_OUT = { status: 'error', error: { code: 'reauth-timed-out' } };
const DAY_MS = 24 * 3_600_000;

const test = testWithTimeSkipping();

describe('a signal', () => {
  const version = 9;
  const mcpServerId = INPUT.mcpServerId;
  const pointless: [string, unknown[]][] = [
    ['nothing', []],
    ['null', [null]],
    ['a string', ['ledger']],
    ['a number', [version]],
    ['a boolean', [true]],
    ['an empty list', [[]]],
    ['a list of the right thing', [[{ mcpServerId, version }]]],
    ['an empty object', [{}]],
    ['no server', [{ version }]],
    ['no version', [{ mcpServerId }]],
    ['a version of null, as NaN travels', [{ mcpServerId, version: Number.NaN }]],
    ['a version in words', [{ mcpServerId, version: '9' }]],
    ['a version in a list', [{ mcpServerId, version: [version] }]],
    ['a server in an object', [{ mcpServerId: { mcpServerId }, version: { version } }]],
    ['what it means one level down', [{ deposit: { mcpServerId, version } }]],
    ['another server', [{ mcpServerId: 'tracker', version }]],
    ['another account', [{ mcpServerId, account: 'work', version }]],
    ['an account in an object', [{ mcpServerId, account: { account: 'default' }, version }]],
    ['an empty account', [{ mcpServerId, account: '', version }]],
    ['the version already seen', [{ mcpServerId, version: 1 }]],
    ['an older version', [{ mcpServerId, version: 0 }]],
    ['a negative version', [{ mcpServerId, version: -9 }]],
    ['a version next to infinity below zero', [{ mcpServerId, version: -1.7e308 }]],
  ];

  test.for([
    ['broken JSON', 'json/plain', '{nope'],
    ['an encoding that nobody knows', 'made/up', 'x'],
    ['a protobuf message', 'json/protobuf', '{}'],
  ] as const)(
    'that can’t be decoded, %s, does not keep a later one from being heard',
    async ([_, encoding, data], { steps }) => {
      const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
      await step.until('awaiting-input');

      await step.rawSignal(credentialDeposited.name, { encoding, data });
      await step.deposit(2);

      await expect(step.result()).resolves.toStrictEqual(SUCCESS);
      expect(await step.events()).not.toContain('workflowTaskFailed');
    },
  );

  test.for(pointless)('with %s is ignored', async ([_, args], { steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
    const paused = await step.until('awaiting-input');

    await step.handle.signal(credentialDeposited.name, ...args);

    expect(await step.view()).toStrictEqual(paused);
    await step.deposit(2);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'invokeTool']);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test('of another name is ignored', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
    const paused = await step.until('awaiting-input');

    await step.handle.signal('approve', { mcpServerId, version });

    expect(await step.view()).toStrictEqual(paused);
    await step.deposit(2);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test.for([2 ** 53, 1.7e308])(
    'with the forged version %d makes the step look once without a delay',
    async (forged, { steps }) => {
      const step = await steps.start(
        { invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(1))] },
        { args: [{ ...INPUT, timeouts: { reauth: '2 days' } }] },
      );
      const paused = await step.until('awaiting-input');
      await steps.sleep(DAY_MS);

      await step.deposit(forged);
      await step.untilView((view) => view.timeline.length === 4 && view.status === 'awaiting-input');

      await expect(step.result()).resolves.toMatchObject(TIMED_OUT);
      expect(step.play.order).toStrictEqual([
        ...['invokeTool', 'registerWaiter'],
        ...['invokeTool', 'registerWaiter'],
        'removeWaiter',
      ]);
      expectAfter(await step.view(), paused.updatedAt, 2 * DAY_MS);
    },
  );

  test('with a forged version does not block the genuine one from ending the pause', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(1)), completed],
    });
    await step.until('awaiting-input');
    await step.deposit(2 ** 53);
    await step.untilView((view) => view.timeline.length === 4 && view.status === 'awaiting-input');

    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('that came before the look at the store does not end the next pause', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    const step = await fleet.start({ invokeTool: [reauthRequired(seen(5))] });
    await step.deposit(9);

    await fleet.startWorker();

    const paused = await step.until('awaiting-input');
    expect(paused.timeline.map((entry) => entry.event)).toStrictEqual(['started', 'awaiting-input']);
    await expect(step.result()).resolves.toMatchObject(TIMED_OUT);
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'removeWaiter']);
  });
});

describe('a step of another account than the default one', () => {
  const args = [{ ...INPUT, account: 'work' }];
  const { mcpServerId } = INPUT;

  test('is woken by deposits for its account only', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] }, { args });
    const paused = await step.until('awaiting-input');

    await step.deposit(9);
    await step.handle.signal(credentialDeposited, { mcpServerId, account: 'default', version: 9 });
    await step.handle.signal(credentialDeposited, { mcpServerId, account: 'home', version: 9 });

    expect(await step.view()).toStrictEqual(paused);
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter']);
    // Negative control: the same signal for its own account.
    await step.handle.signal(credentialDeposited, { mcpServerId, account: 'work', version: 9 });
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('is woken by its own deposit among more signals of a task than are kept', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    const step = await fleet.start({ invokeTool: [reauthRequired(seen(1)), completed] }, { args });
    // Without a cache, so that the next worker gets the step's next task at once.
    const worker = await fleet.startWorker({ maxCachedWorkflows: 0 });
    await step.until('awaiting-input');
    await worker.stop();
    for (let version = 100; version < 115; version += 1) await step.deposit(version);
    await step.handle.signal(credentialDeposited, { mcpServerId, account: 'work', version: 2 });
    for (let version = 115; version < 120; version += 1) await step.deposit(version);

    await fleet.startWorker();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toStrictEqual(['invokeTool', 'registerWaiter', 'invokeTool']);
  });

  test('names its account to every activity and in its view', async ({ steps }) => {
    const play = {
      invokeTool: [reauthRequired(seen(1)), tokenStale(seen(2)), completed],
      refreshToken: [renewed(seen(2))],
    };
    const step = await steps.start(play, { args });
    expect(await step.until('awaiting-input')).toMatchObject({ account: 'work' });
    await step.handle.signal(credentialDeposited, { mcpServerId, account: 'work', version: 2 });

    await step.result();

    const inputs = (['invokeTool', 'registerWaiter', 'refreshToken'] as const).flatMap((name): object[] =>
      step.play.inputs(name),
    );
    expect(inputs).toHaveLength(5);
    for (const input of inputs) expect(input).toMatchObject({ account: 'work' });
  });
});

test('a step of the default account names none to its activities, also if it is written out', async ({
  steps,
}) => {
  const play = {
    invokeTool: [reauthRequired(seen(1)), tokenStale(seen(2)), completed],
    refreshToken: [renewed(seen(2))],
  };
  const step = await steps.start(play, { args: [{ ...INPUT, account: 'default' }] });
  expect(await step.until('awaiting-input')).toMatchObject({ account: 'default' });
  await step.deposit(2);

  await expect(step.result()).resolves.toStrictEqual(SUCCESS);

  const names = ['invokeTool', 'registerWaiter', 'refreshToken'] as const;
  const inputs = names.flatMap((name): object[] => step.play.inputs(name));
  expect(inputs).toHaveLength(5);
  for (const input of inputs) expect(input).not.toHaveProperty('account');
});

/** The server's clock runs between the skips. */
function expectAfter(view: StepView, since: string, ms: number): void {
  const elapsed = Date.parse(view.updatedAt) - Date.parse(since);
  expect(elapsed).toBeGreaterThanOrEqual(ms);
  expect(elapsed).toBeLessThan(ms + 60_000);
}
