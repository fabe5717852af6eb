import { Context } from '@temporalio/activity';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { accountMember } from '../contracts/accounts.ts';
import type { ResumeStepsInput } from '../contracts/activities.ts';
import type { SignalWaitersOutcome } from '../contracts/background-activities.ts';
import { credentialDeposited } from '../contracts/messages.ts';
import { type DueWaiter, listDueWaiters, removeWoken } from '../credentials/waiters/waiter-store.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import { createSignalPace, SIGNALS_AT_ONCE } from '../temporal/signal-pace.ts';
import { TryLater } from './failures.ts';

export interface SignalWaitersDependencies {
  db: Db;
  client: Client;
  logger: Logger;
}

/** One activity signals this many steps, and for this long. Then the workflow schedules the next activity. */
const MAX_SIGNALLED = 10_000;
const TIME_BUDGET_MS = 5 * 60_000;
const RETRY_AFTER_MS = 1_000;

/**
 * Signals the steps that wait for this deposit or an older one, and removes exactly their rows. A step that can't be
 * signalled does not block the others: the retry of the activity signals it again.
 *
 * @throws TryLater if some steps could not be signalled
 */
export function createSignalWaiters(deps: SignalWaitersDependencies) {
  return async function signalWaiters(input: ResumeStepsInput): Promise<SignalWaitersOutcome> {
    const { version, ...key } = input;
    const { cancelled, cancellationSignal } = Context.current();
    const pace = createSignalPace(deps.client, cancellationSignal);
    const endAt = performance.now() + TIME_BUDGET_MS;
    let signalled = 0;
    let failed = 0;
    let after = '';
    let more = true;
    while (more && signalled < MAX_SIGNALLED && performance.now() < endAt) {
      if (cancellationSignal.aborted) return cancelled;
      const due = await listDueWaiters(deps.db, key, version, { after, limit: SIGNALS_AT_ONCE });
      const woken = await wakeBatch(deps, input, due);
      Context.current().heartbeat();
      signalled += woken;
      failed += due.length - woken;
      after = due.at(-1)?.workflowId ?? after;
      more = due.length === SIGNALS_AT_ONCE;
      if (more) await pace.keep(due.map(({ workflowId }) => workflowId));
      Context.current().heartbeat();
    }
    if (failed > 0) throw new TryLater(`${failed} waiting steps could not be signalled`, RETRY_AFTER_MS);
    return { signalled, more };
  };
}

async function wakeBatch(
  deps: SignalWaitersDependencies,
  input: ResumeStepsInput,
  due: DueWaiter[],
): Promise<number> {
  const reached = await Promise.all(due.map((waiter) => wake(deps, input, waiter)));
  const woken = due.filter((_, index) => reached[index]);
  if (woken.length > 0) await removeWoken(deps.db, input, woken);
  return woken.length;
}

// Addresses the workflow id and not a run: the step may have continued as new, or an operator may have reset it.
async function wake(
  { client, logger }: SignalWaitersDependencies,
  { mcpServerId, account, version }: ResumeStepsInput,
  waiter: DueWaiter,
): Promise<boolean> {
  try {
    const handle = client.workflow.getHandle(waiter.workflowId);
    await handle.signal(credentialDeposited, { mcpServerId, ...accountMember(account), version });
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    logger.warn({ err: error, workflowId: waiter.workflowId }, 'a waiting step could not be signalled');
    return false;
  }
}
