import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { CannotRun } from '../../src/process/cannot-run.ts';
import { type MetricsPort, openMetricsPort, type Probes } from '../../src/process/metrics-port.ts';
import { observe } from '../../src/process/observe.ts';

const ADDRESS = { host: '127.0.0.1', port: 0 };
const PROBES: Probes = { version: '1.2.3', isDraining: () => false, checks: { polling: async () => {} } };

async function opened(read = async () => 'own 1\n'): Promise<MetricsPort> {
  const port = await openMetricsPort(ADDRESS, { contentType: 'text/plain; version=0.0.4', read });
  onTestFinished(() => port.close());
  return port;
}

async function ask(port: MetricsPort, path: string, method = 'GET') {
  const response = await fetch(`${port.url}${path}`, { method });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

async function ready(probes: Partial<Probes>) {
  const port = await opened();
  port.serveProbes({ ...PROBES, ...probes });
  const { status, body } = await ask(port, '/ready');
  return { status, body: JSON.parse(body) };
}

describe('the port of the metrics', () => {
  test('serves all sources on one page', async () => {
    const port = await opened();
    port.addSource(async () => 'other 2\n');

    const { status, type, body } = await ask(port, '/metrics?x=1');

    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4']);
    expect(body.split('\n').filter(Boolean)).toEqual(['own 1', 'other 2']);
  });

  test('reads the sources once for requests that come together', async () => {
    let reads = 0;
    let go: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    const port = await opened(async () => {
      reads += 1;
      await waiting;
      return '';
    });

    const answers = Promise.all([ask(port, '/metrics'), ask(port, '/metrics')]);
    await ask(port, '/nothing');
    go();

    expect((await answers).map(({ status }) => status)).toEqual([200, 200]);
    expect(reads).toBe(1);
  });

  test('has no probes in a process that is not a worker', async () => {
    const port = await opened();
    expect((await ask(port, '/health')).status).toBe(404);
    expect((await ask(port, '/ready')).status).toBe(404);
  });

  test('takes no other methods', async () => {
    const port = await opened();
    expect(await ask(port, '/metrics', 'POST')).toMatchObject({ status: 405 });
    expect(await ask(port, '/metrics', 'HEAD')).toMatchObject({ status: 200, body: '' });
  });

  test('says which variables to correct if it is taken', async () => {
    const taken = createServer();
    await once(taken.listen(ADDRESS), 'listening');
    onTestFinished(() => void taken.close());
    // The cast leaves out the form of a Unix socket's address.
    const { port } = taken.address() as AddressInfo;

    const opening = openMetricsPort(
      { ...ADDRESS, port },
      { contentType: 'text/plain', read: async () => '' },
    );

    await expect(opening).rejects.toThrow(CannotRun);
    await expect(opening).rejects.toThrow(/set METRICS_PORT to another one/);
  });

  test('is not opened unless it is configured, and nothing is recorded then', async () => {
    const observed = await observe(
      { metrics: undefined, traces: undefined, version: '1' },
      createLogger({ level: 'silent' }),
    );
    expect(observed.port).toBeUndefined();
    expect(observed.metrics.called('ledger', 'success', 1)).toBeUndefined();
  });
});

describe('a worker', () => {
  test('is alive, whatever its services do', async () => {
    const port = await opened();
    port.serveProbes({ ...PROBES, checks: { postgres: () => Promise.reject(new Error('away')) } });
    expect(await ask(port, '/health')).toMatchObject({
      status: 200,
      body: JSON.stringify({ status: 'ok', version: '1.2.3' }),
    });
  });

  test('is ready while everything answers', async () => {
    expect(await ready({})).toEqual({
      status: 200,
      body: { status: 'ready', version: '1.2.3', checks: { polling: 'ok' } },
    });
  });

  test('is not ready while a check fails, and says which', async () => {
    const checks = { polling: async () => {}, postgres: () => Promise.reject(new Error('away')) };
    expect(await ready({ checks })).toEqual({
      status: 503,
      body: { status: 'not-ready', version: '1.2.3', checks: { polling: 'ok', postgres: 'down' } },
    });
  });

  test('is not ready while a check does not answer', async () => {
    expect(await ready({ checks: { postgres: () => new Promise(() => {}) } })).toMatchObject({
      status: 503,
      body: { checks: { postgres: 'down' } },
    });
  });

  test('is not ready while it drains', async () => {
    expect(await ready({ isDraining: () => true })).toMatchObject({
      status: 503,
      body: { status: 'draining' },
    });
  });
});
