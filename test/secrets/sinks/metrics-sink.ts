import { createLogger } from '../../../src/logging/logger.ts';
import { observe } from '../../../src/process/observe.ts';
import type { Processes } from '../processes.ts';
import type { Evidence, Sink } from './sink.ts';

export interface MetricsSink extends Sink {
  /** Keeps what the processes export now: their numbers end with them. */
  keepNow(): Promise<void>;
}

/** What Prometheus reads from every process that runs. */
export function metricsSink(processes: Processes): MetricsSink {
  const kept: Evidence[] = [];
  return {
    name: 'metrics',
    async keepNow() {
      kept.push(...(await scrapes(processes)));
    },
    collect: async () => [...kept, ...(await scrapes(processes))],
    plants: {
      'metrics: planted': async (texts) => {
        const logger = createLogger({ level: 'silent' });
        const observed = await observe(
          { metrics: { host: '127.0.0.1', port: 0 }, traces: undefined, version: '1' },
          logger,
        );
        for (const text of texts) observed.metrics.called(text, 'success', 1);
        if (observed.port !== undefined) kept.push(...(await linesAt('planted', observed.port.url)));
        await observed.close();
      },
    },
  };
}

async function scrapes(processes: Processes): Promise<Evidence[]> {
  const ports = processes.output().flatMap(({ where, content }) => portOf(where, String(content)));
  const scraped = ports.map(({ name, url }) => linesAt(name, url).catch(() => []));
  return (await Promise.all(scraped)).flat();
}

/** Of the line with which a process says where it serves them. A process that has ended does not answer there. */
function portOf(where: string, line: string): { name: string; url: string }[] {
  if (!line.includes('"serving metrics"')) return [];
  return [{ name: where.replace(/^log: (.*), stdout.*$/, '$1'), url: JSON.parse(line).url }];
}

async function linesAt(name: string, url: string): Promise<Evidence[]> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text.split('\n').map((content, at) => ({ where: `metrics: ${name}, line ${at + 1}`, content }));
}
