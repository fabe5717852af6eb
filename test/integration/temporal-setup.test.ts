import { Connection } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';
import { connectTemporal, createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';

const SCHEDULES = [
  {
    scheduleId: 'latchkey-reconcile',
    workflowType: 'reconcile',
    workflowId: 'reconcile',
    every: 30_000,
  },
  {
    scheduleId: 'latchkey-renew-idle',
    workflowType: 'renewIdleGrants',
    workflowId: 'renew-idle-grants',
    every: 5 * 60_000,
  },
];

test('the Temporal set-up may run in several processes at once and be repeated', async () => {
  const { client, close } = await connectTemporal(await createTestNamespace([]));
  const connections = await Promise.all(
    [1, 2, 3, 4].map(() => Connection.connect({ address: inject('temporalAddress') })),
  );
  const options = { taskQueue: uniqueTaskQueue(), logger: createLogger({ level: 'silent' }) };

  await Promise.all(connections.map((connection) => setUpTemporal(client, connection, options)));
  const [connection] = connections;
  const taskQueue = uniqueTaskQueue('another');
  if (connection) await setUpTemporal(client, connection, { ...options, taskQueue });

  const { namespace } = client.options;
  const registered = await connection?.operatorService.listSearchAttributes({ namespace });
  expect(registered?.customAttributes).toMatchObject({ McpStepStatus: 2, McpServerId: 2, McpUserId: 2 });
  for (const { scheduleId, every, ...action } of SCHEDULES) {
    const schedule = await client.schedule.getHandle(scheduleId).describe();
    expect(schedule.action).toMatchObject({ ...action, taskQueue });
    expect(schedule.spec.intervals).toMatchObject([{ every }]);
    expect(schedule.policies.overlap).toBe('SKIP');
  }
  await Promise.all([close(), ...connections.map((each) => each.close())]);
});
