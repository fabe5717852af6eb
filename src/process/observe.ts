import type { MetricsAddress, TracesConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { createMetrics, type Metrics, NO_METRICS } from '../telemetry/metrics/metrics.ts';
import type { Tracing } from '../telemetry/traces/tracing.ts';
import { type MetricsPort, openMetricsPort } from './metrics-port.ts';

/** How a process is observed from outside. `latchkey dev` shares it between its worker and its server. */
export interface Observed {
  metrics: Metrics;
  /** Undefined: `METRICS_PORT` is not set. */
  port: MetricsPort | undefined;
  /** Undefined: traces are off. */
  tracing: Tracing | undefined;
  close(): Promise<void>;
}

export interface ObservedConfig {
  metrics: MetricsAddress | undefined;
  traces: TracesConfig | undefined;
  version: string;
}

/**
 * Opens the port of the metrics and starts tracing, where that is configured. Of what is off, nothing is loaded.
 *
 * @throws CannotRun if the address can't be listened on
 */
export async function observe(config: ObservedConfig, logger: Logger): Promise<Observed> {
  const measured = await openMetrics(config, logger);
  const tracing = await openTracing(config);
  return {
    ...measured,
    tracing,
    async close() {
      await tracing?.close();
      await measured.port?.close();
    },
  };
}

async function openMetrics({ metrics: address }: ObservedConfig, logger: Logger) {
  if (address === undefined) return { metrics: NO_METRICS, port: undefined };
  const { createPrometheusMeter } = await import('../telemetry/metrics/prometheus-meter.ts');
  const meter = createPrometheusMeter();
  const port = await openMetricsPort(address, meter);
  logger.info({ url: port.url }, 'serving metrics');
  return { metrics: createMetrics(meter), port };
}

async function openTracing({ traces, version }: ObservedConfig): Promise<Tracing | undefined> {
  if (traces === undefined) return undefined;
  const { createOtlpTracing } = await import('../telemetry/traces/otlp-tracing.ts');
  return createOtlpTracing({ ...traces, version });
}
