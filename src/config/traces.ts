import { parseVariable, part } from './part.ts';
import { httpUrl } from './variables.ts';

/** Where a process sends its traces. */
export interface TracesConfig {
  /** The base address of an OTLP receiver over HTTP, without a trailing slash. */
  endpoint: string;
}

const endpoint = httpUrl
  .refine((value) => !/[?#]/.test(value), 'must not have a query or fragment')
  .transform((value) => value.replace(/\/+$/, ''))
  .optional();

/** Undefined: no traces. */
export const traces = part(
  (env, report): TracesConfig | undefined => {
    const given = parseVariable('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint, env, report);
    return given === undefined ? undefined : { endpoint: given };
  },
  [
    {
      name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      meaning: 'the OpenTelemetry collector that traces are sent to, over HTTP',
      unset: 'off',
    },
  ],
);
