import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOtlpTracing } from '../../src/telemetry/traces/otlp-tracing.ts';
import type { Tracing } from '../../src/telemetry/traces/tracing.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../telemetry/traces/otlp-receiver.ts';
import { createHttpFixture, type HttpFixture } from './http-fixture.ts';

let receiver: OtlpReceiver;
let tracing: Tracing;
let fixture: HttpFixture;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  tracing = createOtlpTracing({ endpoint: receiver.endpoint, version: 'test' });
  fixture = await createHttpFixture({ deps: { tracing } });
});

afterAll(async () => {
  await fixture.close();
  await receiver.close();
});

test('requests are spans that name the route and neither address nor user, and health checks are none', async () => {
  await fixture.ask({
    method: 'GET',
    url: '/steps/a-step-of-alice?wait=0s&secret=in-a-query',
    user: 'alice-in-a-token',
  });
  await fixture.ask({ method: 'GET', url: '/no-such-address-of-alice', user: null });
  await fixture.ask({ method: 'GET', url: '/health', user: null });

  await tracing.close();

  expect(receiver.spans().map(({ name, failed }) => [name, failed])).toEqual([
    ['GET /steps/:stepId', false],
    ['GET', false],
  ]);
  expect(receiver.spans()[0]?.attributes).toEqual({
    'http.request.method': 'GET',
    'http.route': '/steps/:stepId',
    'http.response.status_code': 400,
    'latchkey.request_id': expect.stringMatching(/^[\w-]{36}$/),
  });
  expect(receiver.bodies().join()).not.toMatch(/alice|in-a-query/);
});
