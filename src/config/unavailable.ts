import type { Environment } from './part.ts';
import type { ConfigProblem } from './problem.ts';

/** Variables whose feature this version lacks. An operator who sets one relies on it: refused, never ignored. */
const UNAVAILABLE = ['METRICS_PORT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

export function refuseUnavailable(env: Environment): ConfigProblem[] {
  return UNAVAILABLE.filter((variable) => env[variable] !== undefined).map((variable) => ({
    variable,
    problem: 'is not available in this version: unset it',
  }));
}
