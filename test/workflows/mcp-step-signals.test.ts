import { describe, expect } from 'vitest';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, RESULT, reauthRequired, seen } from './outcomes.ts';
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

/** The server's clock runs between the skips. */
function expectAfter(view: StepView, since: string, ms: number): void {
  const elapsed = Date.parse(view.updatedAt) - Date.parse(since);
  expect(elapsed).toBeGreaterThanOrEqual(ms);
  expect(elapsed).toBeLessThan(ms + 60_000);
}
