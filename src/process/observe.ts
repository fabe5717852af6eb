import type { MetricsAddress } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { createMetrics, type Metrics, NO_METRICS } from '../telemetry/metrics/metrics.ts';
import { type MetricsPort, openMetricsPort } from './metrics-port.ts';

/** How a process is observed from outside. `latchkey dev` shares it between its worker and its server. */
export interface Observed {
  metrics: Metrics;
  /** Undefined: `METRICS_PORT` is not set. */
  port: MetricsPort | undefined;
  close(): Promise<void>;
}

/**
 * Opens the port of the metrics, if one is configured. Otherwise nothing is loaded or recorded.
 *
 * @throws CannotRun if the address can't be listened on
 */
export async function observe(
  { metrics: address }: { metrics: MetricsAddress | undefined },
  logger: Logger,
): Promise<Observed> {
  if (address === undefined) return { metrics: NO_METRICS, port: undefined, async close() {} };
  const { createPrometheusMeter } = await import('../telemetry/metrics/prometheus-meter.ts');
  const meter = createPrometheusMeter();
  const port = await openMetricsPort(address, meter);
  logger.info({ url: port.url }, 'serving metrics');
  return { metrics: createMetrics(meter), port, close: port.close };
}
