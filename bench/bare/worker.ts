/** A process of its own: the worker of the bare workflows, with the options of Latchkey's worker where they bear on speed. */
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { tuningOptions } from '../../src/process/tuning-options.ts';
import { createVariantActivities } from '../variants/activities.ts';
import { createBareActivities } from './activities.ts';
import { bareWorkerSettings } from './settings.ts';

/** Latchkey's defaults: `WORKER_MAX_CONCURRENT_ACTIVITIES`, and the SDK's where it leaves a setting alone. */
const SLOTS = {
  maxConcurrentActivities: 100,
  tuning: {
    maxConcurrentWorkflowTasks: undefined,
    activityPollers: undefined,
    workflowPollers: undefined,
    targets: undefined,
  },
};

const settings = bareWorkerSettings.parse(JSON.parse(process.env.BENCH_BARE_WORKER ?? ''));
Runtime.install({
  shutdownSignals: ['SIGTERM'],
  telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
});
const connection = await NativeConnection.connect({ address: settings.address });
const worker = await Worker.create({
  connection,
  namespace: settings.namespace,
  taskQueue: settings.taskQueue,
  workflowBundle: { codePath: settings.bundle },
  activities: {
    ...createBareActivities(settings.server),
    ...(settings.tokenStore && createVariantActivities(settings.server.url, settings.tokenStore)),
  },
  ...tuningOptions({ ...SLOTS, maxCachedWorkflows: settings.maxCachedWorkflows }),
  stickyQueueScheduleToStartTimeout: '5s',
  maxHeartbeatThrottleInterval: '5s',
  defaultHeartbeatThrottleInterval: '5s',
});
const running = worker.run();
process.stdout.write(`${JSON.stringify({ msg: 'ready' })}\n`);
await running;
await connection.close();
// Its warm sessions hold event streams open.
process.exit();
