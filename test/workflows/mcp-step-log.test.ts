import { describe, expect } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { createStepLogSinks } from '../../src/logging/step-log-sinks.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, reauthRequired, seen } from './outcomes.ts';
import { INPUT, type ScriptedStep, stepIdOf } from './scripted-steps.ts';

const HOUR_MS = 3_600_000;
const lines: Record<string, unknown>[] = [];
const logger = createLogger({
  level: 'trace',
  destination: { write: (text) => void lines.push(JSON.parse(text)) },
});

// Without a cache every workflow task replays all that came before it.
const test = testWithTimeSkipping({
  sinks: createStepLogSinks(logger),
  maxCachedWorkflows: 0,
});

const linesOf = ({ handle }: ScriptedStep) =>
  lines
    .filter(({ workflowId }) => workflowId === handle.workflowId)
    .map(({ level: _, time: __, pid: ___, msg: ____, ...fields }) => fields);

const about = (step: ScriptedStep) => ({
  userId: 'ada',
  stepId: stepIdOf(step),
  workflowId: step.handle.workflowId,
  mcpServerId: 'ledger',
});

describe('the log', () => {
  test('has one line for the start and one for the end of each pause, also after replays', async ({
    steps,
  }) => {
    const step = await steps.start({
      invokeTool: [reauthRequired(seen(1)), reauthRequired(seen(2), 'token-rejected'), completed],
    });
    await step.until('awaiting-input');
    await steps.sleep(HOUR_MS);
    await step.deposit(2);
    await step.untilView(({ connectionReason }) => connectionReason === 'token-rejected');
    await step.deposit(3);
    await step.result();

    const first = { ...about(step), reason: 'needs-oauth-reauth', connectionReason: 'invalid-grant' };
    const second = { ...first, connectionReason: 'token-rejected' };
    const logged = linesOf(step);
    expect(logged).toStrictEqual([
      { event: 'step.paused', ...first },
      { event: 'step.resumed', ...first, waitedMs: expect.any(Number) },
      { event: 'step.paused', ...second },
      { event: 'step.resumed', ...second, waitedMs: expect.any(Number) },
    ]);
    expect(logged[1]?.waitedMs).toBeGreaterThanOrEqual(HOUR_MS);
    expect(logged[3]?.waitedMs).toBeLessThan(HOUR_MS);
  });

  test('says that a call waits for approval and not its arguments', async ({ steps }) => {
    const step = await steps.start(
      { invokeTool: [completed] },
      { args: [{ ...INPUT, mode: 'automated-with-confirmation' }] },
    );
    await step.until('awaiting-input');
    await step.approve();
    await step.result();

    const pause = { ...about(step), reason: 'needs-approval' };
    expect(linesOf(step)).toStrictEqual([
      { event: 'step.paused', ...pause },
      { event: 'step.resumed', ...pause, waitedMs: expect.any(Number) },
    ]);
    expect(JSON.stringify(lines)).not.toContain(INPUT.arguments.customer);
  });

  test('has no line for the end of a pause that ends the step', async ({ steps }) => {
    const asked = { ...INPUT, mode: 'automated-with-confirmation' };
    const rejected = await steps.start({}, { args: [asked] });
    await rejected.until('awaiting-input');
    await rejected.reject();
    const timedOut = await steps.start({ invokeTool: [lost] });
    const cancelled = await steps.start({ invokeTool: [reauthRequired(seen(1))] });
    await cancelled.until('awaiting-input');
    await cancelled.handle.cancel();
    for (const step of [rejected, cancelled, timedOut]) await step.closed();

    for (const step of [rejected, timedOut, cancelled]) {
      expect(linesOf(step).map(({ event }) => event)).toStrictEqual(['step.paused']);
    }
  });
});

test('a worker without the sink runs the same step', async ({ steps }) => {
  const others = steps.withoutWorker();
  await others.startWorker({ sinks: {} });
  const step = await others.start({ invokeTool: [reauthRequired(seen(1)), completed] });
  await step.until('awaiting-input');
  await step.deposit(2);

  expect(await step.result()).toMatchObject({ status: 'success' });

  expect(linesOf(step)).toEqual([]);
});
