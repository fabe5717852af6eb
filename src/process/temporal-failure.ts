import { type ConnectionLike, isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import type { TemporalConfig } from '../config/load-config.ts';
import { grpcErrorOf, TemporalUnavailable } from '../temporal/temporal-call.ts';
import { CannotRun } from './cannot-run.ts';

type Where = Pick<TemporalConfig, 'address' | 'namespace'>;

/** How long a process asks about its namespace. Shorter than a health check waits. */
export const NAMESPACE_TIMEOUT_MS = 1_900;

/** Converts an error of Temporal to CannotRun. Returns any other error unchanged. */
export function temporalFailure(error: unknown, where: Where): unknown {
  const kind = kindOf(error);
  return kind === undefined ? error : new CannotRun(PROBLEMS[kind](where), { cause: error });
}

export function temporalUnreachable(where: Where): CannotRun {
  return new CannotRun(PROBLEMS.unreachable(where));
}

/**
 * Says in one line what the operator has to correct if Temporal refuses this process in its namespace. Returns
 * undefined if Temporal accepts it, can't be reached, or does not answer in time.
 */
export async function namespaceProblem(
  connection: ConnectionLike,
  where: Where,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    await describeNamespace(connection, where, timeoutMs);
    return undefined;
  } catch (error) {
    const kind = kindOf(error);
    return kind === 'no-namespace' || kind === 'refused' ? PROBLEMS[kind](where) : undefined;
  }
}

/** The one request whose success shows that the namespace works: others succeed while every step's request fails. */
export async function describeNamespace(
  connection: ConnectionLike,
  { namespace }: Pick<Where, 'namespace'>,
  timeoutMs: number,
): Promise<void> {
  const request = () => connection.workflowService.describeNamespace({ namespace });
  await connection.withDeadline(Date.now() + timeoutMs, request);
}

type Kind = 'unreachable' | 'no-namespace' | 'refused';

const PROBLEMS: Record<Kind, (where: Where) => string> = {
  unreachable: ({ address }) =>
    `Temporal can't be reached at ${address}: start it, or correct TEMPORAL_ADDRESS and TEMPORAL_TLS_*`,
  'no-namespace': ({ address, namespace }) =>
    `Temporal at ${address} has no namespace "${namespace}": create it (temporal operator namespace create --namespace ${namespace}), or correct TEMPORAL_NAMESPACE`,
  refused: ({ address, namespace }) =>
    `Temporal at ${address} refuses this process in the namespace "${namespace}": set or correct TEMPORAL_API_KEY or the client certificate in TEMPORAL_TLS_*`,
};

function kindOf(error: unknown): Kind | undefined {
  if (error instanceof NamespaceNotFoundError) return 'no-namespace';
  if (error instanceof TemporalUnavailable) return kindOf(error.cause) ?? 'unreachable';
  const cause = grpcErrorOf(error);
  if (isGrpcServiceError(cause)) return kindOfCode(cause.code, cause.details);
  if (!(error instanceof Error)) return undefined;
  return error.name === 'TransportError' ? kindOfCore(error.message) : kindOfGrpcJs(error.message);
}

/** @see https://grpc.io/docs/guides/status-codes/ */
function kindOfCode(code: number, details: string): Kind | undefined {
  switch (code) {
    case 4:
    case 14:
      return 'unreachable';
    case 5:
      return /namespace/i.test(details) ? 'no-namespace' : undefined;
    case 7:
    case 16:
      return 'refused';
    default:
      return undefined;
  }
}

/** The SDK's core writes a status by its name or, in other versions, by its description in quotes. */
const CORE = {
  notFound: /code: (NotFound|['"]?Some requested entity was not found)/,
  refused:
    /code: (PermissionDenied|Unauthenticated|['"]?The (caller does not have permission|request does not have valid authentication))/,
};

/** The SDK's core reports errors as texts only. */
function kindOfCore(message: string): Kind {
  if (CORE.notFound.test(message)) return 'no-namespace';
  if (CORE.refused.test(message)) return 'refused';
  return 'unreachable';
}

function kindOfGrpcJs(message: string): Kind | undefined {
  return message === 'Failed to connect before the deadline' ? 'unreachable' : undefined;
}
