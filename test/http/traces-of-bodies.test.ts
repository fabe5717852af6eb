import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import Fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { traceRequests } from '../../src/http/plugins/trace-requests.ts';
import { createOtlpTracing } from '../../src/telemetry/traces/otlp-tracing.ts';
import type { TraceContext, Tracing } from '../../src/telemetry/traces/tracing.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../telemetry/traces/otlp-receiver.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

let receiver: OtlpReceiver;
let tracing: Tracing;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  tracing = createOtlpTracing({ endpoint: receiver.endpoint, version: 'test' });
});

afterAll(async () => {
  await tracing.close();
  await receiver.close();
});

test('a request whose body comes after its headers is handled within its span', async () => {
  const app = Fastify();
  traceRequests(app, tracing);
  const arrived = new Promise<void>((resolve) => {
    app.addHook('onRequest', async () => resolve());
  });
  let seen: TraceContext = {};
  app.post('/steps', async () => {
    seen = tracing.current();
    return {};
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  // The cast leaves out the form of a Unix socket's address.
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  const head = [
    'POST /steps HTTP/1.1',
    'Host: latchkey',
    `traceparent: 00-${TRACE}-00f067aa0ba902b7-01`,
    'Content-Type: application/json',
    'Content-Length: 2',
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await arrived;
  socket.resume().write('{}');
  await once(socket, 'close');
  await app.close();

  expect(seen.traceparent).toContain(TRACE);
});
