import { parseVariable, part } from './part.ts';
import { integer, text } from './variables.ts';

/** Where a process serves its metrics, and a worker its health. */
export interface MetricsAddress {
  host: string;
  /** 0: any free port. */
  port: number;
}

const host = text.default('127.0.0.1');
const port = integer(0, 65_535).optional();

/** Undefined: no port is opened. */
export const metrics = part(
  (env, report): MetricsAddress | undefined => {
    const address = {
      host: parseVariable('METRICS_HOST', host, env, report),
      port: parseVariable('METRICS_PORT', port, env, report),
    };
    return address.port === undefined ? undefined : { host: address.host, port: address.port };
  },
  [
    {
      name: 'METRICS_PORT',
      meaning: 'the port of /metrics, in workers also /health and /ready',
      unset: 'off',
    },
    { name: 'METRICS_HOST', meaning: 'the address of that port', unset: 'default 127.0.0.1' },
  ],
);
