import { type Client, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { getGrpcStatusDetails } from '@temporalio/client/lib/helpers.js';
import { NamespaceNotFoundError } from '@temporalio/common';
import { raceAbort, withDeadline } from '../async/deadline.ts';

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
 * Cancelled: the server shuts down. A caller on this side that cancels has stopped waiting. Unknown, internal and data
 * loss: the server failed. Permission denied and unauthenticated: the server refuses this process, whatever the request
 * is.
 */
const OUTAGES = new Set([CANCELLED, 2, DEADLINE_EXCEEDED, 7, 8, 13, 14, 15, 16]);

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Runs one exchange with Temporal under a deadline. The SDK's own deadline is set too. Alone it would be exceeded by
 * seconds, because the SDK sleeps between retries without regard to it.
 *
 * @throws TemporalUnavailable when it can't be reached, is overloaded, takes too long, refuses this process, or has
 * no such namespace
 */
export async function temporalCall<T>(
  client: Client,
  exchange: () => Promise<T>,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Promise<T> {
  try {
    return await withDeadline({ ms: timeoutMs }, (timeout) =>
      raceAbort(timeout, client.withDeadline(Date.now() + timeoutMs, exchange)),
    );
  } catch (error) {
    throw asUnavailable(error);
  }
}

/**
 * Converts an error to TemporalUnavailable if the server did not answer in time, can't be reached, is overloaded or
 * failed, or where the operator has to correct the access. Returns any other error unchanged.
 */
export function asUnavailable(error: unknown): unknown {
  const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
  const isOutage = isTimeout || OUTAGES.has(grpcCode(error) ?? -1) || isNamespaceMissing(error);
  return isOutage ? new TemporalUnavailable({ cause: error }) : error;
}

// A missing workflow has the same status, so the details decide. The SDK reads them for some of its calls only.
function isNamespaceMissing(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true;
  const cause = grpcErrorOf(error);
  if (!isGrpcServiceError(cause) || cause.code !== NOT_FOUND) return false;
  if (/^namespace\b/i.test(cause.details)) return true;
  const details = getGrpcStatusDetails(cause) ?? [];
  return details.some(({ type_url }) => type_url?.endsWith('.NamespaceNotFoundFailure'));
}

export function isInvalidArgument(error: unknown): boolean {
  return grpcCode(error) === INVALID_ARGUMENT;
}

/** Whether the workflow is unknown. The SDK's client throws WorkflowNotFoundError, the service a gRPC status. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCode(error) === NOT_FOUND;
}

function grpcCode(error: unknown): number | undefined {
  const cause = grpcErrorOf(error);
  return isGrpcServiceError(cause) ? cause.code : undefined;
}

/**
 * Returns the gRPC error in an error of the SDK. A worker's own connection throws gRPC errors that the SDK also takes for
 * its `ServiceError`, because it compares names. They have no cause.
 */
export function grpcErrorOf(error: unknown): unknown {
  return error instanceof ServiceError && !isGrpcServiceError(error) ? error.cause : error;
}
