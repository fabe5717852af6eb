import { Connection } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { setUpTemporal } from '../../src/temporal-setup.ts';
import { connectTemporal, createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';

test('set-up may run at once from many processes, and again', async () => {
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
  const schedule = await client.schedule.getHandle('latchkey-reconcile').describe();
  expect(schedule.action).toMatchObject({ workflowType: 'reconcile', taskQueue });
  expect(schedule.spec.intervals).toMatchObject([{ every: 30_000 }]);
  await Promise.all([close(), ...connections.map((each) => each.close())]);
});
