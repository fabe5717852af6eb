import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { expect, inject } from 'vitest';
import {
  encryptingFailureConverterPath,
  workflowBundleOptions,
} from '../../src/temporal/workflow-bundle-options.ts';
import { replayHistories } from '../support/replay-histories.ts';
import { testDataConverter } from '../support/temporal.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { reauthRequired, seen } from './outcomes.ts';

const test = testWithTimeSkipping();

// For real, with servers and processes: test/integration/signal-storm.proof.ts. As many as a history holds.
test.for([
  ['without stack traces', builtWorkflows],
  ['with stack traces', workflowsWithStackTraces],
] as const)(
  'a worker %s replays 10,000 and 50,000 signals of one task',
  { timeout: 180_000 },
  async ([_, workflowBundle], { steps }) => {
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1))] });
    await step.until('awaiting-input');
    await step.deposit(1);
    await step.untilView((view) => view.status === 'awaiting-input');
    const json = historyToJSON(await step.handle.fetchHistory());
    const { workflowId } = step.handle;

    const options = {
      workflowBundle: await workflowBundle(),
      dataConverter: testDataConverter(),
    };
    // Two, since a worker keeps code of one workflow from the next one.
    const histories = [10_000, 50_000].map((signals) => ({
      workflowId,
      history: historyFromJSON(JSON.parse(withSignals(json, signals))),
    }));

    // The SDK fails a task after 5 s in workflow code, if the process lives to see that.
    const errors: unknown[] = [];
    for await (const { error } of replayHistories(options, histories)) errors.push(error);
    expect(errors).toStrictEqual([undefined, undefined]);
  },
);

async function builtWorkflows(): Promise<WorkflowBundleOption> {
  const name = inject('payloadKeys') ? 'encryptingWorkflowBundlePath' : 'workflowBundlePath';
  return { codePath: inject(name) };
}

async function workflowsWithStackTraces(): Promise<WorkflowBundleOption> {
  return bundleWorkflowCode({
    ...workflowBundleOptions({ stackTraces: true }),
    ...(inject('payloadKeys') && { failureConverterPath: encryptingFailureConverterPath() }),
    logger: new DefaultLogger('WARN'),
  });
}

/** The history up to its last signal, that signal so many times, and a task for all of them. */
function withSignals(json: string, signals: number): string {
  // The cast names what Temporal's JSON of a history is.
  const { events } = JSON.parse(json) as { events: Record<string, unknown>[] };
  const at = events.findLastIndex((event) => event.workflowExecutionSignaledEventAttributes);
  const signal = events[at];
  const scheduled = events.find((event) => event.workflowTaskScheduledEventAttributes);
  const started = events.find((event) => event.workflowTaskStartedEventAttributes);
  const all = [...events.slice(0, at), ...Array.from({ length: signals }, () => signal), scheduled];
  const scheduledEventId = String(all.length);
  const task = {
    ...started,
    workflowTaskStartedEventAttributes: {
      ...(started?.workflowTaskStartedEventAttributes as object),
      scheduledEventId,
    },
  };
  const numbered = [...all, task].map((event, index) => ({ ...event, eventId: String(index + 1) }));
  return JSON.stringify({ events: numbered });
}
