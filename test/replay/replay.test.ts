import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, inject, test } from 'vitest';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { replayHistories } from '../support/replay-histories.ts';
import { LISTING_STORIES, LONG_LISTING_STORIES } from './listing-stories.ts';
import { PARENT_STORIES } from './parent-stories.ts';
import { openRecordedHistories, type RecordedHistory, storyOf } from './recorded-histories.ts';
import { LONG_STORIES, OTHER_STORIES, STEP_STORIES } from './stories.ts';

beforeAll(() => quietTemporal());

const ARCHIVE = openRecordedHistories();
const HISTORIES = ARCHIVE.read();

/** What came of replaying each history, by its path. */
async function replay(histories: RecordedHistory[]): Promise<Map<string, unknown>> {
  const outcomes = new Map<string, unknown>();
  const paths = new Map(histories.map(({ runId, path }) => [runId, path]));
  const workflowBundle = { codePath: inject('workflowBundlePath') };
  for await (const { runId, error } of replayHistories({ workflowBundle }, histories)) {
    outcomes.set(paths.get(runId) ?? runId, error);
  }
  return outcomes;
}

test('every history that was ever recorded replays', async () => {
  const outcomes = await replay(HISTORIES);

  expect([...outcomes].filter(([, error]) => error !== undefined)).toEqual([]);
  expect(outcomes.size).toBe(HISTORIES.length);
});

test('a history of other commands does not replay (negative control)', async () => {
  const [success] = ARCHIVE.read().filter(({ path }) => storyOf(path) === 'success');
  if (success === undefined) throw new Error('nothing is recorded');
  for (const { activityTaskScheduledEventAttributes: scheduled } of success.history.events ?? []) {
    if (scheduled?.activityType) scheduled.activityType.name = 'anotherActivity';
  }

  const outcomes = await replay([success]);

  expect([...outcomes.values()]).toEqual([expect.any(DeterminismViolationError)]);
});

test('there is a recorded history of every path', () => {
  const recorded = new Set(HISTORIES.map(({ path }) => storyOf(path)));

  const missing = Object.keys({
    ...STEP_STORIES,
    ...PARENT_STORIES,
    ...LONG_STORIES,
    ...LISTING_STORIES,
    ...LONG_LISTING_STORIES,
    ...OTHER_STORIES,
  }).filter((story) => !recorded.has(story));

  expect(missing, 'run `npm run replay:record`').toEqual([]);
});

test('no recorded history has been changed or removed', () => {
  expect(ARCHIVE.violations(), 'histories are append-only').toEqual([]);
});
