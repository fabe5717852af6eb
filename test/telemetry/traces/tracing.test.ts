import { describe, expect, onTestFinished, test } from 'vitest';
import { createOtlpTracing } from '../../../src/telemetry/traces/otlp-tracing.ts';
import { inSpan } from '../../../src/telemetry/traces/tracing.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, tracestate: 'vendor=1' };

async function traced() {
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver.close());
  const tracing = createOtlpTracing({ endpoint: receiver.endpoint, version: '1.2.3' });
  return { receiver, tracing };
}

describe('traces', () => {
  test('reach a collector over OTLP, with the name and version of the service', async () => {
    const { receiver, tracing } = await traced();
    tracing
      .start({ name: 'one', kind: 'client', attributes: { 'latchkey.tool': 'echo', absent: undefined } })
      .end();

    await tracing.close();

    expect(receiver.spans()).toMatchObject([
      { name: 'one', kind: 3, attributes: { 'latchkey.tool': 'echo' }, failed: false },
    ]);
    expect(receiver.spans()[0]?.attributes).not.toHaveProperty('absent');
    expect(receiver.resources()).toMatchObject([{ 'service.name': 'latchkey', 'service.version': '1.2.3' }]);
  });

  test('go on from the context of a caller, and pass theirs on', async () => {
    const { receiver, tracing } = await traced();
    const inner = { name: 'inner', kind: 'internal' } as const;

    const passedOn = await inSpan(tracing, { name: 'outer', kind: 'server', parent: PARENT }, () =>
      inSpan(tracing, inner, async () => tracing.current()),
    );
    await tracing.close();

    const [innerSpan, outerSpan] = receiver.spans();
    expect(outerSpan).toMatchObject({ traceId: TRACE_ID, parentSpanId: 'b7ad6b7169203331' });
    expect(innerSpan).toMatchObject({ traceId: TRACE_ID, parentSpanId: outerSpan?.spanId });
    expect(passedOn).toEqual({
      traceparent: `00-${TRACE_ID}-${innerSpan?.spanId}-01`,
      tracestate: 'vendor=1',
    });
  });

  test('begin where the caller names no context, or none that can be read', async () => {
    const { receiver, tracing } = await traced();
    expect(tracing.current()).toEqual({});
    tracing.start({ name: 'one', kind: 'server', parent: { traceparent: 'nonsense' } }).end();

    await tracing.close();

    expect(receiver.spans()[0]?.parentSpanId).toBeUndefined();
  });

  test('say that an operation failed, without its message', async () => {
    const { receiver, tracing } = await traced();
    const failing = inSpan(tracing, { name: 'one', kind: 'internal' }, async () => {
      throw new Error('a secret text');
    });

    await expect(failing).rejects.toThrow('a secret text');
    await tracing.close();

    expect(receiver.spans()).toMatchObject([{ failed: true }]);
    expect(receiver.bodies().join()).not.toContain('a secret text');
  });

  test('of a collector that is away hold up nothing', async () => {
    const { receiver, tracing } = await traced();
    await receiver.close();
    tracing.start({ name: 'one', kind: 'internal' }).end();

    await expect(tracing.close()).resolves.toBeUndefined();
  });
});
