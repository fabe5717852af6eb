/**
 * Temporal's own metrics of a worker. The SDK's core serves them itself, on a port that has nothing else. So it gets a
 * free port of the loopback interface, and the process reads that port when it is scraped.
 *
 * @see https://docs.temporal.io/references/sdk-metrics
 */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import type { MetricsExporterConfig } from '@temporalio/worker';

export interface CoreMetrics {
  /** For `Runtime.install`. */
  exporter: MetricsExporterConfig;
  /** Returns them in Prometheus' text format; empty if the core does not answer. */
  read(): Promise<string>;
}

const LOOPBACK = '127.0.0.1';
const READ_TIMEOUT_MS = 2_000;

/** The names are those of Temporal's Go SDK, which the dashboards and documents of Temporal use. */
const NAMES = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

export async function createCoreMetrics(): Promise<CoreMetrics> {
  const port = await freePort();
  return {
    exporter: { prometheus: { bindAddress: `${LOOPBACK}:${port}`, ...NAMES } },
    read: () => readPort(port).catch(() => ''),
  };
}

// The core can't be told to take any free port, because it does not say which one it took. The free ports of
// `dev/embedded` are for development: nothing else imports that folder.
async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, LOOPBACK), 'listening');
  // The cast leaves out the form of a Unix socket's address.
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function readPort(port: number): Promise<string> {
  const request = get({ host: LOOPBACK, port, path: '/metrics', timeout: READ_TIMEOUT_MS, agent: false });
  request.once('timeout', () => request.destroy(new Error('the core does not answer')));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return text(response);
}
