import { Context } from '@temporalio/activity';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { ServerResumption } from '../contracts/background-activities.ts';
import { serverResumed } from '../contracts/messages.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { endServerResumption, isServerPaused } from '../servers/server-switch.ts';
import { openStepsOfServer } from '../steps/open-steps-of-server.ts';
import { createSignalPace, inBatches, SIGNALS_AT_ONCE } from '../temporal/signal-pace.ts';
import { isInvalidArgument } from '../temporal/temporal-call.ts';
import { TryLater } from './failures.ts';

export interface ResumeServerDependencies {
  db: Db;
  client: Client;
  logger: Logger;
}

const PAGE_SIZE = 200;
const RETRY_AFTER_MS = 1_000;

/**
 * Signals the running steps of a server, of all users, and returns the number of those that were told. A step that does
 * not wait ignores the signal. Stops if the server is paused again. A step that can't be signalled does not block the
 * others: the retry of the activity signals all of them again. A step that Temporal will never signal again is left out.
 *
 * @throws TryLater if some steps could not be signalled
 */
export function createSignalStepsOfServer(deps: ResumeServerDependencies) {
  return async function signalStepsOfServer({ mcpServerId }: ServerResumption): Promise<number> {
    const running = { mcpServerId, status: 'running', withoutAttributes: true, pageSize: PAGE_SIZE } as const;
    let signalled = 0;
    let failed = 0;
    const { cancelled, cancellationSignal } = Context.current();
    const pace = createSignalPace(deps.client, cancellationSignal);
    for await (const workflowIds of openStepsOfServer(deps.client, running)) {
      // A page may be empty, and there may be many of them.
      Context.current().heartbeat();
      for (const batch of inBatches(workflowIds, SIGNALS_AT_ONCE)) {
        if (cancellationSignal.aborted) return cancelled;
        if (await isServerPaused(deps.db, mcpServerId)) return signalled;
        const reached = await Promise.all(batch.map((workflowId) => signal(deps, mcpServerId, workflowId)));
        signalled += reached.filter((one) => one === 'told').length;
        failed += reached.filter((one) => one === 'failed').length;
        Context.current().heartbeat();
        await pace.keep(batch);
      }
    }
    if (failed > 0) throw new TryLater(`${failed} steps could not be signalled`, RETRY_AFTER_MS);
    return signalled;
  };
}

/** Ends the pending resumption: the reconcile schedule does not start it again. */
export function createEndServerResumption({ db }: Pick<ResumeServerDependencies, 'db'>) {
  return (resumption: ServerResumption): Promise<void> => endServerResumption(db, resumption);
}

type Signalled =
  | 'told'
  /** It has ended, or has had as many signals as Temporal allows a run. Then it looks again within the hour. */
  | 'never'
  /** A later signal may reach it. */
  | 'failed';

// Addresses the workflow id and not a run: the step may have continued as new.
async function signal(
  { client, logger }: ResumeServerDependencies,
  mcpServerId: string,
  workflowId: string,
): Promise<Signalled> {
  try {
    await client.workflow.getHandle(workflowId).signal(serverResumed, { mcpServerId });
    return 'told';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'never';
    logger.warn({ err: error, workflowId }, 'a step of a resumed server could not be signalled');
    return isInvalidArgument(error) ? 'never' : 'failed';
  }
}
