import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricDefinition } from './definitions.ts';
import type { Instrument, Meter } from './meter.ts';

export interface PrometheusMeter extends Meter {
  contentType: string;
  /** Returns everything in Prometheus' text format, with Node's own metrics of the process. */
  read(): Promise<string>;
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export function createPrometheusMeter(): PrometheusMeter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    read: () => registry.metrics(),
    instrument: (definition) => instrumentOf(registry, definition),
  };
}

function instrumentOf(registry: Registry, definition: MetricDefinition): Instrument {
  const { name, help, labels, buckets = [], known = [] } = definition;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (definition.kind) {
    case 'counter': {
      const counter = new Counter(options);
      for (const values of known) counter.inc(values, 0);
      return { record: (value, values) => counter.inc(values, value), clear() {} };
    }
    case 'histogram': {
      const histogram = new Histogram({ ...options, buckets: [...buckets] });
      for (const values of known) histogram.zero(values);
      return { record: (value, values) => histogram.observe(values, value), clear() {} };
    }
    case 'gauge': {
      const gauge = new Gauge(options);
      return { record: (value, values) => gauge.set(values, value), clear: () => gauge.reset() };
    }
    default:
      return definition.kind satisfies never;
  }
}
