import { randomUUID } from 'node:crypto';
import { afterAll, expect, vi } from 'vitest';
import { createOtlpTracing } from '../../src/telemetry/traces/otlp-tracing.ts';
import type { Tracing } from '../../src/telemetry/traces/tracing.ts';
import { testInWorld } from '../support/fixtures.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../telemetry/traces/otlp-receiver.ts';

let receiver: OtlpReceiver;
let tracing: Tracing;

const test = testInWorld(async () => {
  receiver = await startOtlpReceiver();
  tracing = createOtlpTracing({ endpoint: receiver.endpoint, version: 'test' });
  return { tracing, withoutWorker: true };
});

afterAll(() => receiver?.close());

test('a step is one trace from the request to the MCP server, across its pause and a restart of the worker', async ({
  world,
  api,
  scripted,
}) => {
  const user = world.users.newUser();
  const { server, mcpServerId } = await scripted.register({ auth: { type: 'oauth2' } });
  const traceId = randomUUID().replaceAll('-', '');
  const stepId = `traced-${randomUUID()}`;
  const secretArgument = `argument-${randomUUID()}`;

  const first = await world.startWorker();
  await fetch(`${api.url}/steps?secret=${secretArgument}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await api.tokenOf(user)}`,
      'content-type': 'application/json',
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({ mcpServerId, tool: 'echo', stepId, arguments: { text: secretArgument } }),
  });
  await world.steps.until(user, stepId, 'awaiting-input');
  await first.stop();
  await world.startWorker();
  await world.users.deposit(user, {
    mcpServerId,
    refreshToken: randomUUID(),
    accessToken: 'traced-token',
    expiresIn: 3600,
    tokenEndpoint: 'http://127.0.0.1:9/token',
  });
  await world.steps.until(user, stepId, 'success');
  await tracing.close();

  const spans = await vi.waitFor(
    () => {
      const ofTrace = receiver.spans().filter((span) => span.traceId === traceId);
      const names = ofTrace.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['POST /steps', 'start mcpStep', 'tools/call']));
      expect(names.filter((name) => name === 'invokeTool')).toHaveLength(2);
      return ofTrace;
    },
    { timeout: 20_000 },
  );
  const one = (name: string) => spans.find((span) => span.name === name);
  const byId = new Map(spans.map((span) => [span.spanId, span.name]));
  const parentOf = (name: string) => byId.get(one(name)?.parentSpanId ?? '');

  expect(one('POST /steps')).toMatchObject({
    parentSpanId: 'b7ad6b7169203331',
    kind: 2,
    attributes: { 'http.route': '/steps', 'http.response.status_code': expect.any(Number) },
  });
  expect(parentOf('start mcpStep')).toBe('POST /steps');
  const activities = spans.filter(({ name }) => name === 'invokeTool');
  expect(activities.map(({ attributes }) => attributes['latchkey.outcome'])).toEqual([
    'reauth-required',
    'completed',
  ]);
  for (const { parentSpanId } of activities) expect(byId.get(parentSpanId ?? '')).toBe('start mcpStep');
  expect(one('tools/call')?.attributes).toEqual({
    'latchkey.server': mcpServerId,
    'latchkey.tool': 'echo',
    'latchkey.outcome': 'success',
  });
  expect(parentOf('tools/call')).toBe('invokeTool');
  const request = server.seen.find(({ what }) => what === 'tools/call');
  expect(request?.headers.traceparent).toBe(`00-${traceId}-${one('tools/call')?.spanId}-01`);
  const sent = receiver.bodies().join();
  for (const text of [user, secretArgument, 'traced-token']) expect(sent).not.toContain(text);
  expect(sent).toContain(stepId);
});
