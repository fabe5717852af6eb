import { z } from 'zod';
import { type Part, part } from './part.ts';

/** The version of the worker's code that a process runs, for Temporal's worker versioning. */
export interface WorkerDeployment {
  name: string;
  buildId: string;
}

/** Temporal writes a version as `name.buildId`, and refuses a name with a dot or a colon. */
const DEPLOYMENT_NAME = /^[^.:\s\p{C}]{1,255}$/u;
const BUILD_ID = /^[^\s\p{C}]{1,255}$/u;

/**
 * `TEMPORAL_DEPLOYMENT_NAME` and `TEMPORAL_WORKER_BUILD_ID`, as Temporal's worker controller for Kubernetes
 * sets them: both or neither.
 *
 * @see https://docs.temporal.io/production-deployment/worker-deployments/kubernetes-controller
 */
export const workerDeployment: Part<WorkerDeployment | undefined> = part(
  (env, report) => {
    const { TEMPORAL_DEPLOYMENT_NAME: name, TEMPORAL_WORKER_BUILD_ID: buildId } = env;
    if (name === undefined && buildId === undefined) return undefined;
    if (name === undefined) report('TEMPORAL_DEPLOYMENT_NAME', 'is required beside TEMPORAL_WORKER_BUILD_ID');
    if (buildId === undefined)
      report('TEMPORAL_WORKER_BUILD_ID', 'is required beside TEMPORAL_DEPLOYMENT_NAME');
    if (name === undefined || buildId === undefined) return z.NEVER;
    if (!DEPLOYMENT_NAME.test(name)) {
      report(
        'TEMPORAL_DEPLOYMENT_NAME',
        'must be at most 255 characters without a dot, a colon or white space',
      );
    }
    if (!BUILD_ID.test(buildId)) {
      report('TEMPORAL_WORKER_BUILD_ID', 'must be at most 255 characters without white space');
    }
    return { name, buildId };
  },
  [
    { name: 'TEMPORAL_DEPLOYMENT_NAME', meaning: 'the deployment, for worker versioning', unset: 'off' },
    {
      name: 'TEMPORAL_WORKER_BUILD_ID',
      meaning: "the version of this worker's code; required beside the name",
      unset: 'off',
    },
  ],
);
