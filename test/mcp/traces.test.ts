import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMcpSdkAdapter, type McpLimits } from '../../src/mcp/sdk/sdk-adapter.ts';
import { sendContext } from '../../src/mcp/trace-calls.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { createOtlpTracing } from '../../src/telemetry/traces/otlp-tracing.ts';
import { startOtlpReceiver } from '../telemetry/traces/otlp-receiver.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer } from './test-adapter.ts';

/** Returns a function that makes a call in a span of its own. */
async function tracedCalls(limits: Partial<McpLimits>) {
  const receiver = await startOtlpReceiver();
  const tracing = createOtlpTracing({ endpoint: receiver.endpoint, version: 'test' });
  const guarded = createGuardedFetch({ policy: 'development' });
  const adapter = createMcpSdkAdapter({ guardedFetch: sendContext(guarded.fetch, tracing), limits });
  onTestFinished(async () => {
    await adapter.close();
    await guarded.close(0);
    await tracing.close();
    await receiver.close();
  });
  return async (url: string, userId: string): Promise<void> => {
    const span = tracing.start({ name: 'invokeTool', kind: 'internal' });
    const outcome = await span.run(() => adapter.callTool(targetOf(url, { userId }), callOf()));
    span.end();
    expect(outcome).toMatchObject({ kind: 'completed' });
  };
}

describe('the end of a session belongs to no trace', () => {
  test.for<[string, Partial<McpLimits>, string[]]>([
    ['after it was idle', { idleMs: 20 }, ['ada']],
    ['when another user needs the room', { maxConnections: 1 }, ['ada', 'bob']],
  ])('%s', async ([, limits, users]) => {
    const server = await scriptedServer();
    const call = await tracedCalls(limits);
    for (const userId of users) await call(server.url, userId);
    await vi.waitFor(() => expect(server.count('DELETE')).toBe(1), { timeout: 20_000 });

    const traceOf = (what: string) => server.seen.find((one) => one.what === what)?.headers.traceparent;
    expect(traceOf('tools/call')).toMatch(/^00-/);
    expect(traceOf('DELETE')).toBeUndefined();
  });
});
