import { describe, expect } from 'vitest';
import { serverResumed } from '../../src/contracts/messages.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, notSent, RESULT, reauthRequired, seen, serverPaused } from './outcomes.ts';
import { held } from './scripted-activities.ts';
import { INPUT, type ScriptedStep } from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const { mcpServerId } = INPUT;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHORT = { ...INPUT, timeouts: { unavailable: '2m' } };

const test = testWithTimeSkipping();

const resume = ({ handle }: ScriptedStep) => handle.signal(serverResumed, { mcpServerId });
const eventsOf = ({ timeline }: StepView) => timeline.map(({ event }) => event);
const untilPaused = (step: ScriptedStep) =>
  step.untilView((view) => eventsOf(view).at(-1) === 'server-paused');

describe('a step of a paused server', () => {
  test('runs on, says why it waits, and calls when the server is resumed', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [serverPaused, completed] });
    expect(await untilPaused(step)).toMatchObject({ status: 'running' });

    await resume(step);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    const view = await step.view();
    expect(eventsOf(view)).toStrictEqual(['started', 'server-paused', 'server-resumed', 'finished']);
    expect(elapsed(view)).toBeLessThan(MINUTE_MS);
  });

  test('looks again after an hour at most, without a signal, and says once that it waits', async ({
    steps,
  }) => {
    const step = await steps.start({ invokeTool: [...Array(30).fill(serverPaused), completed] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    const view = await step.view();
    expect(eventsOf(view)).toStrictEqual(['started', 'server-paused', 'server-resumed', 'finished']);
    expect(elapsed(view)).toBeGreaterThan(30 * 0.75 * HOUR_MS);
    expect(elapsed(view)).toBeLessThan(31 * HOUR_MS);
  });

  test('does not count that time as part of an outage', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [notSent(), ...Array(3).fill(serverPaused), notSent(), completed] },
      { args: [SHORT] },
    );

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('still ends when its server is away for too long before and after', async ({ steps }) => {
    const away = Array.from({ length: 20 }, () => [serverPaused, notSent(20_000)]).flat();
    const step = await steps.start({ invokeTool: away }, { args: [SHORT] });

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'server-unavailable' } });
  });

  test('keeps the time that its user has to reconnect', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [reauthRequired(seen(1)), serverPaused, reauthRequired(seen(1)), completed] },
      { args: [{ ...INPUT, timeouts: { reauth: '30m' } }] },
    );
    await step.until('awaiting-input');
    await step.deposit(2 ** 53);
    await untilPaused(step);
    await steps.sleep(HOUR_MS);
    await step.until('awaiting-input');

    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('can be cancelled, and makes no call then', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [serverPaused] });
    await untilPaused(step);

    await step.handle.cancel();

    expect(await step.closed()).toBe('CANCELLED');
    expect(eventsOf(await step.view())).toStrictEqual([
      'started',
      'server-paused',
      'cancelling',
      'cancelled',
    ]);
    expect(step.play.order).toStrictEqual(['invokeTool']);
  });

  test('waits before it asks for an approval that depends on the tool, and after it', async ({ steps }) => {
    const step = await steps.start(
      { describeTool: [serverPaused, { kind: 'described' }], invokeTool: [serverPaused, completed] },
      { args: [{ ...INPUT, mode: 'confirm-destructive' }] },
    );
    await untilPaused(step);
    await resume(step);
    await step.until('awaiting-input');
    await step.approve();
    await untilPaused(step);

    await resume(step);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('waits before it asks what became of a lost call', async ({ steps }) => {
    const step = await steps.start({
      invokeTool: [lost, completed],
      describeTool: [serverPaused, { kind: 'described' }],
    });
    await untilPaused(step);
    await resume(step);
    await step.until('awaiting-input');

    await step.resolve({ action: 'retry' });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

describe('the signal that a server is resumed', () => {
  test('counts when it arrives between the look at the server and the wait', async ({ steps }) => {
    const looking = held(serverPaused);
    const step = await steps.start({ invokeTool: [looking, completed] });
    await looking.reached;
    await resume(step);

    looking.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(elapsed(await step.view())).toBeLessThan(MINUTE_MS);
  });

  test('does not count when it arrived before the look (negative control)', async ({ steps }) => {
    const [calling, looking] = [held(notSent()), held(serverPaused)];
    const step = await steps.start({ invokeTool: [calling, looking, completed] });
    await calling.reached;
    await resume(step);
    calling.release();
    await looking.reached;

    looking.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(elapsed(await step.view())).toBeGreaterThan(0.75 * HOUR_MS);
  });

  test('is a hint: the step waits again if its server is still paused, and says so', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [serverPaused, serverPaused, completed] });
    await untilPaused(step);
    await resume(step);
    const events = ['started', 'server-paused', 'server-resumed', 'server-paused'];
    await step.untilView((view) => eventsOf(view).join() === events.join());

    await resume(step);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });

  test('may arrive often: one more look is all that comes of it', async ({ steps }) => {
    const looking = held(serverPaused);
    const step = await steps.start({ invokeTool: [looking, completed] });
    await looking.reached;
    for (let sent = 0; sent < 15; sent += 1) await resume(step);

    looking.release();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toHaveLength(2);
    expect(elapsed(await step.view())).toBeLessThan(MINUTE_MS);
  });

  test('counts behind many that mean nothing, in one workflow task', async ({ steps }) => {
    const fleet = steps.withoutWorker();
    const step = await fleet.start({ invokeTool: [serverPaused, completed] });
    // Without a cache, so that the next worker gets the step's next task at once.
    const worker = await fleet.startWorker({ maxCachedWorkflows: 0 });
    await untilPaused(step);
    await worker.stop();
    for (let sent = 0; sent < 15; sent += 1) await step.handle.signal(serverResumed.name, {});
    await resume(step);
    for (let sent = 0; sent < 5; sent += 1) await step.handle.signal(serverResumed.name, {});

    await fleet.startWorker();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(elapsed(await step.view())).toBeLessThan(MINUTE_MS);
  });

  test.for<[string, unknown[]]>([
    ['nothing', []],
    ['null', [null]],
    ['a text', [mcpServerId]],
    ['a list of the right thing', [[{ mcpServerId }]]],
    ['an empty object', [{}]],
    ['another server', [{ mcpServerId: 'tracker' }]],
    ['the server in other letters', [{ mcpServerId: mcpServerId.toUpperCase() }]],
    ['the server in a list', [{ mcpServerId: [mcpServerId] }]],
  ])('with %s is ignored', async ([_, args], { steps }) => {
    const step = await steps.start({ invokeTool: [serverPaused, completed] });
    const waiting = await untilPaused(step);

    await step.handle.signal(serverResumed.name, ...args);

    expect(await step.view()).toStrictEqual(waiting);
    await resume(step);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test('that can’t be decoded does not keep a later one from being heard', async ({ steps }) => {
    const step = await steps.start({ invokeTool: [serverPaused, completed] });
    await untilPaused(step);

    await step.rawSignal(serverResumed.name, { encoding: 'json/plain', data: '{nope' });
    await resume(step);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });
});

function elapsed({ createdAt, updatedAt }: StepView): number {
  return Date.parse(updatedAt) - Date.parse(createdAt);
}
