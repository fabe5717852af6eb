import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../deploy/healthcheck.mjs', import.meta.url));

/** Returns the exit code of the container's health check. */
async function healthcheck(env: Record<string, string>): Promise<unknown> {
  const [code] = await once(new Worker(SCRIPT, { env, execArgv: [] }), 'exit');
  return code;
}

async function answering(status: number): Promise<string> {
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/health' ? status : 404).end(),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // The cast: a server that listens on TCP has an AddressInfo.
  return String((server.address() as AddressInfo).port);
}

describe("the container's health check", () => {
  /** Nothing listens there. */
  const NOWHERE = '1';

  test('asks a server at PORT, whatever the port of its metrics answers', async () => {
    const metrics = await answering(404);
    expect(await healthcheck({ PORT: await answering(200), METRICS_PORT: metrics })).toBe(0);
    expect(await healthcheck({ PORT: await answering(503), METRICS_PORT: await answering(200) })).toBe(1);
  });

  test('asks a worker, which listens on no other port, at METRICS_PORT', async () => {
    expect(await healthcheck({ PORT: NOWHERE, METRICS_PORT: await answering(200) })).toBe(0);
    expect(await healthcheck({ PORT: NOWHERE, METRICS_PORT: await answering(503) })).toBe(1);
    expect(await healthcheck({ PORT: NOWHERE })).toBe(1);
  });
});
