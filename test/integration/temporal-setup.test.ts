import { Connection } from '@temporalio/client';
import { expect, inject, test, vi } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { findSetupProblems, logSetupProblems } from '../../src/temporal/check-setup.ts';
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

test('search attributes of another type are found, and left as they are', async () => {
  const { client, close } = await connectTemporal(await createTestNamespace(['McpServerId']));
  const { namespace } = client.options;
  const text = 1;
  const searchAttributes = { McpStepStatus: text };
  await client.connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const taskQueue = uniqueTaskQueue();
  await setUpTemporal(client, connection, { taskQueue, logger: createLogger({ level: 'silent' }) });

  await vi.waitFor(
    async () =>
      expect(await findSetupProblems({ client, taskQueue })).toEqual([
        {
          kind: 'search-attributes-of-another-type',
          names: ['McpStepStatus'],
          message: expect.stringContaining('another type than Keyword (McpStepStatus)'),
        },
      ]),
    { timeout: 20_000 },
  );
  await Promise.all([close(), connection.close()]);
});

test('what migrate has not set up is found, and logged in one line each', async () => {
  const { client, close } = await connectTemporal(await createTestNamespace([]));
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const taskQueue = uniqueTaskQueue();
  const setup = { client, taskQueue };
  const lines: string[] = [];
  const destination = { write: (text: string) => void lines.push(text) };
  await logSetupProblems({ ...setup, logger: createLogger({ level: 'info', destination }) });

  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: 'warn',
      kind: 'missing-search-attributes',
      names: ['McpStepStatus', 'McpServerId', 'McpUserId'],
    },
    { level: 'warn', kind: 'missing-schedule', scheduleId: 'latchkey-reconcile' },
    { level: 'warn', kind: 'missing-schedule', scheduleId: 'latchkey-renew-idle' },
  ]);
  for (const line of lines) expect(line).toContain('latchkey migrate');

  const logger = createLogger({ level: 'silent' });
  await setUpTemporal(client, connection, { taskQueue, logger });
  await vi.waitFor(async () => expect(await findSetupProblems(setup)).toEqual([]), { timeout: 20_000 });
  const another = { client, taskQueue: uniqueTaskQueue('another') };
  expect(await findSetupProblems(another)).toMatchObject([
    { kind: 'schedule-of-another-task-queue', taskQueue },
    { kind: 'schedule-of-another-task-queue', taskQueue },
  ]);
  await client.schedule.getHandle('latchkey-reconcile').pause();
  expect(await findSetupProblems(setup)).toMatchObject([
    { kind: 'paused-schedule', scheduleId: 'latchkey-reconcile' },
  ]);
  await Promise.all([close(), connection.close()]);
});
