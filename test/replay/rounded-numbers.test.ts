import { beforeAll, expect, inject, test } from 'vitest';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { replayHistories } from '../support/replay-histories.ts';
import { openRecordedHistories, type RecordedHistory, storyOf } from './recorded-histories.ts';

beforeAll(() => quietTemporal());

/** The story's histories, as they would be had the step been started with a number that JavaScript rounds. */
function startedWithLongNumber(story: string): RecordedHistory[] {
  const histories = openRecordedHistories()
    .read()
    .filter(({ path }) => storyOf(path) === story);
  for (const { history } of histories) {
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    const [input] = started?.input?.payloads ?? [];
    if (!input?.data) throw new Error('the history has no input');
    const changed = Buffer.from(input.data)
      .toString()
      .replace('"arguments":{', '"arguments":{"id":918273645546372817,');
    input.data = Buffer.from(changed);
    expect(changed).toContain('918273645546372817');
  }
  return histories;
}

test.each(['success', 'approval-with-edited-arguments', 'outcome-unknown-retried', 'continued-as-new'])(
  'a recorded step that continued with a rounded number still does: %s',
  async (story) => {
    const histories = startedWithLongNumber(story);
    const workflowBundle = { codePath: inject('workflowBundlePath') };
    const outcomes: unknown[] = [];
    for await (const { error } of replayHistories({ workflowBundle }, histories)) outcomes.push(error);

    expect(outcomes).toEqual(histories.map(() => undefined));
    expect(outcomes).not.toEqual([]);
  },
);
