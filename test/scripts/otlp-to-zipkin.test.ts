import { describe, expect, test } from 'vitest';
import { otlpToZipkin } from '../../scripts/telemetry-pictures/otlp-to-zipkin.mjs';

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  name: 'tools/call',
  kind: 3,
  startTimeUnixNano: '1764187200123456789',
  endTimeUnixNano: '1764187200125956789',
  attributes: [
    { key: 'latchkey.server', value: { stringValue: 'ledger' } },
    { key: 'latchkey.attempt', value: { intValue: 2 } },
  ],
  status: { code: 0 },
};

const exportOf = (span: object) => ({
  resourceSpans: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'latchkey-worker' } },
          { key: 'service.instance.id', value: { stringValue: 'worker-2' } },
        ],
      },
      scopeSpans: [{ scope: { name: 'latchkey', version: '1.0.0' }, spans: [{ ...SPAN, ...span }] }],
    },
  ],
});

describe('a span in the terms of Zipkin', () => {
  test('has its ids, its times in microseconds, its service and its attributes as texts', () => {
    expect(otlpToZipkin(exportOf({}))).toEqual([
      {
        traceId: SPAN.traceId,
        id: SPAN.spanId,
        parentId: SPAN.parentSpanId,
        name: 'tools/call',
        kind: 'CLIENT',
        timestamp: 1_764_187_200_123_456,
        duration: 2_500,
        localEndpoint: { serviceName: 'latchkey-worker' },
        tags: {
          'service.instance.id': 'worker-2',
          'latchkey.server': 'ledger',
          'latchkey.attempt': '2',
          'otel.scope.name': 'latchkey',
          'otel.scope.version': '1.0.0',
        },
      },
    ]);
  });

  test('has no kind if it is internal, and no parent if it is the root', () => {
    const [span] = otlpToZipkin(exportOf({ kind: 1, parentSpanId: undefined }));
    expect(span).not.toHaveProperty('kind');
    expect(span).not.toHaveProperty('parentId');
  });

  test('says that it failed', () => {
    const [span] = otlpToZipkin(exportOf({ status: { code: 2 } }));
    expect(span).toMatchObject({ tags: { 'otel.status_code': 'ERROR', error: '' } });
  });

  test('lasts at least a microsecond', () => {
    const [span] = otlpToZipkin(exportOf({ endTimeUnixNano: SPAN.startTimeUnixNano }));
    expect(span).toMatchObject({ duration: 1 });
  });
});
