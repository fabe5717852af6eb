import type { MetricMeter } from '@temporalio/common';
import type { MetricDefinition } from './definitions.ts';
import type { Instrument, Meter } from './meter.ts';

/**
 * Records with Temporal's meter, so that the metrics appear where the program exports those of its Workers: Prometheus
 * or OpenTelemetry. Does nothing if the program exports none. The exporter chooses the buckets of histograms.
 */
export function createTemporalMeter(meter: MetricMeter): Meter {
  return { instrument: (definition) => instrumentOf(meter, definition) };
}

// Without a unit: Core's exporter would add it to names that have it already.
function instrumentOf(meter: MetricMeter, { name, kind, help }: MetricDefinition): Instrument {
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, undefined, help);
      return { record: (value, labels) => counter.add(value, labels), clear() {} };
    }
    case 'histogram': {
      const histogram = meter.createHistogram(name, 'float', undefined, help);
      return { record: (value, labels) => histogram.record(value, labels), clear() {} };
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, 'int', undefined, help);
      return { record: (value, labels) => gauge.set(value, labels), clear() {} };
    }
    default:
      return kind satisfies never;
  }
}
