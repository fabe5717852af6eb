import { relative } from 'node:path';
import { type RunnerTestFile, TestRunner } from 'vitest';

/**
 * Tests of what happens when several act at once, or one dies in the middle. A run in which one fails has found an order
 * of events that it has not met before, and that order is what it looks for. So these tests are never retried.
 */
const RACES = 'test/races/';

/** Vitest's own runner, without `retry` for races. A project of their own would start servers of its own. */
export default class RaceRunner extends TestRunner {
  override onCollectStart(file: RunnerTestFile): void {
    super.onCollectStart(file);
    const path = relative(this.config.root, file.filepath);
    if (path.startsWith(RACES)) this.config = { ...this.config, retry: 0 };
  }
}
