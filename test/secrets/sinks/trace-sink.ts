import { createOtlpTracing } from '../../../src/telemetry/traces/otlp-tracing.ts';
import type { OtlpReceiver } from '../../telemetry/traces/otlp-receiver.ts';
import type { Sink } from './sink.ts';

/** What the processes send to a collector of traces. */
export function traceSink(receiver: OtlpReceiver): Sink {
  return {
    name: 'traces',
    collect: async () =>
      receiver.bodies().map((content, at) => ({ where: `traces: export ${at + 1}`, content })),
    plants: {
      'traces: export': async (texts) => {
        const tracing = createOtlpTracing({ endpoint: receiver.endpoint, version: 'planted' });
        for (const text of texts) {
          tracing.start({ name: 'planted', kind: 'internal', attributes: { 'latchkey.note': text } }).end();
        }
        await tracing.close();
      },
    },
  };
}
