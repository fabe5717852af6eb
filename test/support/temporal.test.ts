import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { expect, test, vi } from 'vitest';
import {
  connectTemporal,
  createTestNamespace,
  createTimeSkippingEnvironment,
  uniqueTaskQueue,
} from './temporal.ts';

test('a test namespace takes a step with its search attributes, and counts only its own', async () => {
  const temporal = await connectTemporal(await createTestNamespace());
  const key = defineSearchAttributeKey('McpStepStatus', 'KEYWORD');

  await temporal.client.workflow.start('mcpStep', {
    taskQueue: uniqueTaskQueue(),
    workflowId: 'only',
    typedSearchAttributes: new TypedSearchAttributes([{ key, value: 'running' }]),
  });

  await vi.waitFor(
    async () => {
      expect((await temporal.client.workflow.count("McpStepStatus = 'running'")).count).toBe(1);
    },
    { timeout: 20_000 },
  );
  await temporal.close();
});

test('the time-skipping server skips a month in no time', async () => {
  const environment = await createTimeSkippingEnvironment();
  const before = await environment.currentTimeMs();

  await environment.sleep('30 days');

  expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 24 * 3_600_000);
  await environment.teardown();
});
