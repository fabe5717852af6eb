import { type Client, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { getGrpcStatusDetails } from '@temporalio/client/lib/helpers.js';
import { NamespaceNotFoundError } from '@temporalio/common';
import { withDeadline } from '../async/deadline.ts';
import { orAborted } from '../async/or-aborted.ts';

/** Temporal could not be reached or did not answer in time. */
export class TemporalUnavailable extends Error {
  constructor(options?: ErrorOptions) {
    super('Temporal is unavailable', options);
    this.name = 'TemporalUnavailable';
  }
}

/** gRPC status codes. @see https://grpc.io/docs/guides/status-codes/ */
const CANCELLED = 1;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
/**
 * Cancelled: by a server that shuts down. Nobody cancels on this side without having stopped waiting. Unknown,
 * internal and lost data: the server failed. Permission denied and unauthenticated: it does not know this process,
 * whatever the caller asked for.
 */
const OUTAGES = new Set([CANCELLED, 2, DEADLINE_EXCEEDED, 7, 8, 13, 14, 15, 16]);

const ANSWER_WITHIN_MS = 5_000;

/**
 * Runs one exchange with Temporal under a deadline. The SDK's own is kept too, but it sleeps on it between
 * retries: alone it is overrun by seconds.
 *
 * @throws TemporalUnavailable when it can't be reached, is overloaded, takes too long, refuses this process, or has
 * no such namespace
 */
export async function temporalCall<T>(
  client: Client,
  exchange: () => Promise<T>,
  withinMs: number = ANSWER_WITHIN_MS,
): Promise<T> {
  try {
    return await withDeadline({ ms: withinMs }, (timeout) =>
      orAborted(timeout, client.withDeadline(Date.now() + withinMs, exchange)),
    );
  } catch (error) {
    throw asUnavailable(error);
  }
}

/**
/**
 * `TemporalUnavailable` for an error of time or connection, of a server that is overloaded or fails, or of what its
 * operator has to set right; others as they are.
 */
export function asUnavailable(error: unknown): unknown {
  const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
  const isOutage = isTimeout || OUTAGES.has(grpcCode(error) ?? -1) || isNamespaceMissing(error);
  return isOutage ? new TemporalUnavailable({ cause: error }) : error;
}

// Not found is a workflow, too: only the details tell. The SDK reads them for some of its calls.
function isNamespaceMissing(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true;
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause) || cause.code !== NOT_FOUND) return false;
  if (/^namespace\b/i.test(cause.details)) return true;
  const details = getGrpcStatusDetails(cause) ?? [];
  return details.some(({ type_url }) => type_url?.endsWith('.NamespaceNotFoundFailure'));
}

export function isInvalidArgument(error: unknown): boolean {
  return grpcCode(error) === INVALID_ARGUMENT;
}

/** The workflow is unknown; from the SDK's client it is a WorkflowNotFoundError, from the service a gRPC status. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCode(error) === NOT_FOUND;
}

function grpcCode(error: unknown): number | undefined {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause.code : undefined;
}
