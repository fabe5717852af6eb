import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowRunOperationHandler } from '@temporalio/nexus';
import type { CancelOperationContext } from 'nexus-rpc';
import { z } from 'zod';
import type { Logger } from '../logging/logger.ts';
import { invalidRequest, rethrowForCaller } from './handler-errors.ts';

/** The part of the SDK's operation token that is read here: the workflow that the operation runs. */
const tokenSchema = z.object({ wid: z.string() });

/**
 * Cancels an operation's workflow. Over Nexus's HTTP interface a caller can send any token, so it is refused unless
 * the workflow id begins with one of `prefixes`: the namespace may hold workflows of other applications. A workflow that has
 * ended stays as it is, because a cancellation may come late or twice.
 */
export function cancelOwn<I, O>(
  prefixes: readonly string[],
  operation: WorkflowRunOperationHandler<I, O>,
  logger: Logger,
): (context: CancelOperationContext, token: string) => Promise<void> {
  return async (context, token) => {
    const workflowId = workflowIdIn(token) ?? '';
    if (!prefixes.some((prefix) => workflowId.startsWith(prefix))) {
      throw invalidRequest('The operation token is not valid.');
    }
    try {
      await operation.cancel(context, token);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) rethrowForCaller(logger)(error);
    }
  };
}

function workflowIdIn(token: string): string | undefined {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return tokenSchema.safeParse(decoded).data?.wid;
  } catch {
    return undefined;
  }
}
