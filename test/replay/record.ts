// Run by `npm run replay:record`: plays every path that has no history yet, and keeps its history for good.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageVersion } from '../../src/config/version.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { connectTemporal, createTestNamespace, type TestTemporal } from '../support/temporal.ts';
import { createScriptedSteps, type ScriptedStep, type ScriptedSteps } from '../workflows/scripted-steps.ts';
import { LISTING_STORIES, LONG_LISTING_STORIES } from './listing-stories.ts';
import { PARENT_STORIES } from './parent-stories.ts';
import { type History, openRecordedHistories, storyOf } from './recorded-histories.ts';
import { LONG_STORIES, OTHER_STORIES, STEP_STORIES, type Story } from './stories.ts';

const histories = openRecordedHistories();
const recorded = new Set(histories.read().map(({ path }) => storyOf(path)));

describe('with short histories', () => {
  recordAll({ ...STEP_STORIES, ...PARENT_STORIES, ...LISTING_STORIES, ...OTHER_STORIES }, async () =>
    connectTemporal(await createTestNamespace()),
  );
});

describe('with histories that are soon too long', () => {
  recordAll({ ...LONG_STORIES, ...LONG_LISTING_STORIES }, () =>
    startOwnTemporal({ 'limit.historyCount.suggestContinueAsNew': 9 }),
  );
});

function recordAll(stories: Record<string, Story>, connect: () => Promise<TestTemporal>): void {
  let temporal: TestTemporal;
  let steps: ScriptedSteps;

  beforeAll(async () => {
    quietTemporal();
    temporal = await connect();
    steps = createScriptedSteps(temporal);
    await steps.startWorker();
  });

  afterAll(async () => {
    await steps.stop();
    await temporal.close();
  });

  test('nothing that was recorded before has been changed or removed', () => {
    expect(histories.violations()).toEqual([]);
  });

  const missing = Object.entries(stories).filter(([story]) => !recorded.has(story));
  test.each(missing)('%s', async (story, play) => {
    const step = await play(steps);
    expect(await step.closed()).toMatch(/COMPLETED|CANCELLED|FAILED/);
    histories.write(packageVersion(), story, await runsOf(step, temporal));
  });
}

/** The histories of all runs of an execution that continued as new, the first one first. */
async function runsOf({ handle }: ScriptedStep, { client }: TestTemporal): Promise<History[]> {
  const runs: History[] = [];
  let runId: string | undefined = (await handle.describe()).runId;
  while (runId) {
    const history = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    runs.unshift(history);
    runId =
      history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
  }
  return runs;
}
