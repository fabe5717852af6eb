import type { WorkerOptions } from '@temporalio/worker';
import { test } from 'vitest';
import { startTimeSkippingSteps, type TimeSkippingSteps } from './scripted-steps.ts';

/**
 * Vitest's `test` for one file, whose tests share a time-skipping server: `const test = testWithTimeSkipping()`. Each
 * file calls this itself, as `testInWorld` (../support/fixtures.ts) explains.
 */
export function testWithTimeSkipping(options: Partial<WorkerOptions> = {}) {
  return test.extend<{ $file: { steps: TimeSkippingSteps } }>({
    steps: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of the fixtures that this one needs.
      async ({}, use) => {
        const steps = await startTimeSkippingSteps(options);
        await use(steps);
        await steps.stop();
      },
      { scope: 'file' },
    ],
  });
}
