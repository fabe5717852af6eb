import type { Labels, MetricDefinition } from './definitions.ts';

/** What metrics are recorded with: the Prometheus registry of this process, or Temporal's meter. */
export interface Meter {
  instrument(definition: MetricDefinition): Instrument;
}

export interface Instrument {
  /** Adds to a counter, observes in a histogram, or sets a gauge. Never throws. */
  record(value: number, labels: Labels): void;
  /** Stops exporting the values of a gauge that are no longer known. Without effect where the meter can't do that. */
  clear(): void;
}
