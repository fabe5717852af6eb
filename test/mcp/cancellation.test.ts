import { describe, expect, onTestFinished, test } from 'vitest';
import { createMcpSdkAdapter } from '../../src/mcp/sdk/sdk-adapter.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { GuardedFetch } from '../../src/net/network.ts';
import { hang } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer } from './test-adapter.ts';

/** The real network, but a `tools/call` waits for its connection until `letThrough` is called. */
function slowToConnect() {
  const guarded = createGuardedFetch({ policy: 'development' });
  let letThrough = () => {};
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const connected = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  const over: Promise<unknown>[] = [];
  const guardedFetch: GuardedFetch = async (url, init) => {
    if (!String(init.body).includes('tools/call')) return guarded.fetch(url, init);
    arrive();
    // Without the signal, only the check before the first byte can stop the call.
    const { signal: _, ...deaf } = init;
    const fetching = connected.then(() => guarded.fetch(url, deaf));
    over.push(fetching.catch(() => {}));
    return fetching;
  };
  const adapter = createMcpSdkAdapter({ guardedFetch });
  onTestFinished(async () => {
    await adapter.close();
    await guarded.close(0);
  });
  return { adapter, arrived, letThrough: () => letThrough(), over: () => Promise.all(over) };
}

describe('a call that is cancelled before it has a connection', () => {
  test('is never sent, and the server receives no cancellation', async () => {
    const server = await scriptedServer();
    const { adapter, arrived, letThrough, over } = slowToConnect();
    const abort = new AbortController();
    const calling = adapter.callTool(targetOf(server.url), callOf({ signal: abort.signal }));
    await arrived;
    abort.abort();
    expect(await calling).toEqual({ kind: 'not-sent', cause: 'cancelled' });
    letThrough();
    await over();
    expect(server.seen.map(({ what }) => what)).toEqual(['initialize', 'notifications/initialized']);
  });

  test('is lost when the cancellation comes after it was sent (negative control)', async () => {
    const server = await scriptedServer();
    server.on('tools/call', hang());
    const { adapter, letThrough } = slowToConnect();
    const abort = new AbortController();
    letThrough();
    const calling = adapter.callTool(targetOf(server.url), callOf({ signal: abort.signal }));
    await server.arrived('tools/call');
    abort.abort();
    expect(await calling).toEqual({ kind: 'lost', cause: 'cancelled' });
    expect(server.count('notifications/cancelled')).toBe(1);
  });
});

describe('a cancelled call', () => {
  test('ends within seconds when the server does not answer the cancellation', async () => {
    const server = await scriptedServer();
    const { adapter, letThrough } = slowToConnect();
    letThrough();
    // The session is open, so the time limit covers only the call.
    await adapter.callTool(targetOf(server.url), callOf());
    server.on('tools/call', hang());
    server.on('notifications/cancelled', hang());
    const call = callOf({ inactivityTimeoutMs: 500 });
    const started = performance.now();
    expect(await adapter.callTool(targetOf(server.url), call)).toEqual({ kind: 'lost', cause: 'timeout' });
    // A request alone could take 10 s and more.
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});
