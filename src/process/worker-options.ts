import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { createCallLimits, type Share } from '../activities/call-limits.ts';
import { createActivities } from '../activities/create-activities.ts';
import { noteSinks } from '../changes/note-sinks.ts';
import type { WorkerConfig } from '../config/load-config.ts';
import { createStepLogSinks } from '../logging/step-log-sinks.ts';
import { createNexusServices } from '../nexus/create-nexus-services.ts';
import { createDataConverter } from '../payloads/data-converter.ts';
import { traceActivities } from '../temporal/trace-interceptors.ts';
import type { WebhookReceiver } from '../webhooks/send-webhook.ts';
import { createStepSinks } from '../webhooks/step-sinks.ts';
import type { Services } from './services.ts';
import { tuningOptions } from './tuning-options.ts';
import { workflowCode } from './workflow-code.ts';

/** Shorter than the 30 s after which Kubernetes kills a process. */
const SHUTDOWN_GRACE = '25s';

/** What `latchkey worker` runs its Worker with. Your own Worker has a part of it from the plugin. */
export function workerOptions(
  config: WorkerConfig,
  connection: NativeConnection,
  services: Services,
): WorkerOptions {
  return {
    connection,
    namespace: config.temporal.namespace,
    taskQueue: config.taskQueue,
    ...workflowCode(config),
    dataConverter: createDataConverter(config.payloadKeys?.reveal()),
    activities: createActivities({
      ...services,
      publicUrl: config.publicUrl,
      limits: createCallLimits(shareOf(config)),
      retention: config,
      webhookReceiver: webhookReceiver(config),
    }),
    nexusServices: createNexusServices({ ...services, taskQueue: config.taskQueue }),
    sinks: noteSinks(
      {
        ...createStepSinks({ ...services, taskQueue: config.taskQueue }, config.webhooks !== undefined),
        ...createStepLogSinks(services.logger, ({ reason, waitedMs }) =>
          services.metrics.resumed(reason, waitedMs / 1000),
        ),
      },
      services.changes,
    ),
    ...versioning(config),
    ...(services.tracing && { interceptors: { activity: [traceActivities(services.tracing)] } }),
    shutdownGraceTime: SHUTDOWN_GRACE,
    // A step's next task waits this long for the worker that has the step in memory; then any worker takes it. So
    // a resumption is delayed by at most this long after a worker was killed.
    stickyQueueScheduleToStartTimeout: '5s',
    ...tuningOptions(config),
    // A cancellation reaches an activity in the response to a heartbeat.
    maxHeartbeatThrottleInterval: '5s',
    defaultHeartbeatThrottleInterval: '5s',
  };
}

// The defaults leave slots for other users and servers, even with the fifth more that renewals and lists may take.
function shareOf({ maxConcurrentActivities: slots, ...config }: WorkerConfig): Share {
  return {
    perUser: config.maxCallsPerUser ?? Math.max(Math.floor(slots / 4), 1),
    perServer: config.maxCallsPerServer ?? Math.max(Math.floor((slots * 3) / 4), 1),
  };
}

// Auto-upgrade: a step that has waited for weeks goes on with the version that is current then, so no old worker has
// to keep running for it. This requires code that replays the histories of earlier versions; `test/replay` checks it.
function versioning({ deployment }: WorkerConfig): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deployment === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: deployment.name, buildId: deployment.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

function webhookReceiver({ webhooks }: WorkerConfig): WebhookReceiver | undefined {
  return webhooks && { url: webhooks.url.reveal(), secrets: webhooks.secrets.reveal() };
}
