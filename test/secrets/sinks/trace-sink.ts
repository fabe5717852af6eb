import { createOtlpTracing } from '../../../src/telemetry/traces/otlp-tracing.ts';
import type { OtlpReceiver } from '../../telemetry/traces/otlp-receiver.ts';
import type { Sink } from './sink.ts';

/** What the processes send to a collector of traces. */
export function traceSink(receiver: OtlpReceiver): Sink {
  return {
    name: 'traces',
    collect: async () =>
      receiver.bodies().map((body, at) => ({ where: `traces: export ${at + 1}`, content: withoutIds(body) })),
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

/** The many random ids and times would take the search a long time. */
const RANDOM = /^((trace|span|parentSpan)Id|\w+UnixNano)$/;

function withoutIds(body: string): string {
  return JSON.stringify(JSON.parse(body, (name, value) => (RANDOM.test(name) ? undefined : value)));
}
