import type { Report } from './figures.ts';
import { type Chart, lineChart } from './line-chart.ts';

/** The plots of a full run, by the name of their file in `docs/images`. */
export function chartsOf(report: Report): Record<string, string> {
  return {
    'bench-throughput.svg': lineChart(throughput(report)),
    'bench-resume.svg': lineChart(resume(report)),
    'bench-paused.svg': lineChart(paused(report)),
  };
}

function throughput({ throughputCurve }: Report): Chart {
  const points = (of: 'step' | 'bare') =>
    throughputCurve.map((point) => ({ x: point.concurrency, y: point[of] }));
  return {
    title: 'Throughput of one worker process',
    xLabel: 'at once',
    yLabel: 'a second',
    series: [
      { name: 'steps', points: points('step') },
      { name: 'bare workflows', points: points('bare') },
    ],
  };
}

function resume({ resumeCurve }: Report): Chart {
  const caches = [...new Set(resumeCurve.map(({ maxCachedWorkflows }) => maxCachedWorkflows))];
  const points = (cache: number, of: 'seconds' | 'rawSignalSeconds') =>
    resumeCurve
      .filter(({ maxCachedWorkflows }) => maxCachedWorkflows === cache)
      .map((point) => ({ x: point.waiters, y: point[of] }));
  return {
    title: 'From one deposit to the end of all that waited, by the size of the cache',
    xLabel: 'waiting workflows',
    yLabel: 'seconds',
    series: caches.flatMap((cache) => [
      { name: `steps, ${cache}`, points: points(cache, 'seconds') },
      { name: `bare, ${cache}`, points: points(cache, 'rawSignalSeconds') },
    ]),
  };
}

function paused({ pausedCurve, paused: { maxCachedWorkflows } }: Report): Chart {
  return {
    title: `What paused steps cost, with a cache of ${maxCachedWorkflows} workflows`,
    xLabel: 'paused steps',
    yLabel: 'MiB of the worker',
    rightLabel: 'MiB of the tables',
    series: [
      {
        name: 'worker',
        points: pausedCurve.map(({ steps, workerRssMiB }) => ({ x: steps, y: workerRssMiB })),
      },
      {
        name: 'tables',
        points: pausedCurve.map(({ steps, databaseMiB }) => ({ x: steps, y: databaseMiB })),
        right: true,
      },
    ],
  };
}
