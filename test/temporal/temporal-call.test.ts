import { ServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { asUnavailable, isNotFound, TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import { connectTemporal } from '../support/temporal.ts';

// gRPC status codes. https://grpc.io/docs/guides/status-codes/
describe('an error of a call to Temporal', () => {
  test.each([
    ['the server cut the call short to shut down', 1],
    ['no answer came in time', 4],
    ['the server is overloaded', 8],
    ['the server is gone', 14],
    ['the server fails, and says nothing of why', 2],
    ['the server fails', 13],
    ['the server has lost data', 15],
    ['the server refuses this process', 7],
    ['the server does not know this process', 16],
  ])('is an outage when %s', (_what, code) => {
    const error = failedWith(code);

    expect(asUnavailable(error)).toBeInstanceOf(TemporalUnavailable);
    expect(asUnavailable(error.cause)).toBeInstanceOf(TemporalUnavailable);
  });

  test('is an outage when the namespace does not exist, and not when the workflow does not exist', () => {
    const namespaceMissing = failedWith(5, 'Namespace nope is not found.');
    expect(asUnavailable(namespaceMissing)).toBeInstanceOf(TemporalUnavailable);
    expect(asUnavailable(new NamespaceNotFoundError('nope'))).toBeInstanceOf(TemporalUnavailable);
    const workflowMissing = failedWith(5, 'workflow not found for ID: namespace');
    expect(asUnavailable(workflowMissing)).toBe(workflowMissing);
  });

  test.each([3, 5, 6, 9])('is passed on when the server refuses (%i)', (code) => {
    const error = failedWith(code);

    expect(asUnavailable(error)).toBe(error);
  });
});

test('a workflow that does not exist is not found over a worker’s connection either', async () => {
  const { nativeConnection, namespace, close } = await connectTemporal();
  const request = { namespace, execution: { workflowId: 'no-such-workflow' } };

  const error = await nativeConnection.workflowService
    .describeWorkflowExecution(request)
    .catch((thrown: unknown) => thrown);

  expect(isNotFound(error)).toBe(true);
  await close();
});

function failedWith(code: number, details = ''): ServiceError {
  const cause = Object.assign(new Error(), { code, details, metadata: { get: () => [] } });
  return new ServiceError('Failed to start Workflow', { cause });
}
