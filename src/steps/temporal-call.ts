import { type Client, isGrpcServiceError, ServiceError } from '@temporalio/client';
import { TemporalUnavailable } from './step-client.ts';

/** gRPC status codes. @see https://grpc.io/docs/guides/status-codes/ */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const OUTAGES = new Set([DEADLINE_EXCEEDED, 8, 14]);

const ANSWER_WITHIN_MS = 5_000;

/**
 * Runs one exchange with Temporal under a deadline.
 *
 * @throws TemporalUnavailable when it can't be reached, is overloaded, or takes too long
 */
export async function temporalCall<T>(
  client: Client,
  exchange: () => Promise<T>,
  withinMs: number = ANSWER_WITHIN_MS,
): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + withinMs, exchange);
  } catch (error) {
    if (OUTAGES.has(grpcCode(error) ?? -1)) throw new TemporalUnavailable({ cause: error });
    throw error;
  }
}

export function isInvalidArgument(error: unknown): boolean {
  return grpcCode(error) === INVALID_ARGUMENT;
}

function grpcCode(error: unknown): number | undefined {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause.code : undefined;
}
