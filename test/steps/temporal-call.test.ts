import { ServiceError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { TemporalUnavailable } from '../../src/steps/step-client.ts';
import { asUnavailable } from '../../src/steps/temporal-call.ts';

// gRPC status codes. https://grpc.io/docs/guides/status-codes/
describe('an error of an exchange with Temporal', () => {
  test.each([
    ['the server cut the call short to shut down', 1],
    ['no answer came in time', 4],
    ['the server is overloaded', 8],
    ['the server is gone', 14],
    ['the server fails, and says nothing of why', 2],
    ['the server fails', 13],
    ['the server has lost data', 15],
    ['this process may not do that', 7],
    ['the server does not know this process', 16],
  ])('is an outage where %s', (_what, code) => {
    const error = failedWith(code);

    expect(asUnavailable(error)).toBeInstanceOf(TemporalUnavailable);
    expect(asUnavailable(error.cause)).toBeInstanceOf(TemporalUnavailable);
  });

  test.each([3, 5, 6, 9])('is what it is where the server refuses (%i)', (code) => {
    const error = failedWith(code);

    expect(asUnavailable(error)).toBe(error);
  });
});

function failedWith(code: number): ServiceError {
  const cause = Object.assign(new Error(), { code, details: '', metadata: { get: () => [] } });
  return new ServiceError('Failed to start Workflow', { cause });
}
