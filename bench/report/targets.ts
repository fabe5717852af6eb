import type { SomeFigures } from './figures.ts';

/** What a figure has to be. `counts` are the same on every machine; the others depend on what else a machine does. */
export interface Target {
  name: string;
  kind: 'count' | 'measure';
  /** Such as `≤ 1.15`. */
  target: string;
  value: number;
  met: boolean;
}

const MAX_CPU_RATIO = 1.15;
const MIN_THROUGHPUT_RATIO = 0.95;
const MAX_LATENCY_RATIO = 1.05;
const MAX_MEMORY_RATIO = 1.3;
const MAX_DATABASE_BYTES = 4_096;

/** The targets of those figures that there are. */
export function targetsOf(figures: SomeFigures): Target[] {
  return [...counts(figures), ...measures(figures)].flatMap((target) => target ?? []);
}

/** A sentence for each count that differs. */
export function wrongCounts(figures: SomeFigures): string[] {
  return counts(figures)
    .flatMap((target) => target ?? [])
    .filter(({ met }) => !met)
    .map(({ name, target, value }) => `${name} is ${value}, not ${target}`);
}

function counts({ historyEventsHappyPath, requestsPerCall, bareRequestsPerCall, stampede }: SomeFigures) {
  return [
    exactly('historyEventsHappyPath', historyEventsHappyPath, 11),
    exactly('requestsPerCall', requestsPerCall, 1),
    // Otherwise the comparison is not fair.
    exactly('bareRequestsPerCall', bareRequestsPerCall, 1),
    exactly('stampede.grants', stampede?.grants, 1),
  ];
}

function measures(figures: SomeFigures) {
  const { cpuRatio, throughputRatio, stepLatencyMs, bareLatencyMs, workflowKiB, bareWorkflowKiB } = figures;
  return [
    atMost('cpuRatio', cpuRatio, MAX_CPU_RATIO),
    atLeast('throughputRatio', throughputRatio, MIN_THROUGHPUT_RATIO),
    atMost(
      'stepLatencyMs.p50 / bareLatencyMs.p50',
      ratio(stepLatencyMs?.p50, bareLatencyMs?.p50),
      MAX_LATENCY_RATIO,
    ),
    atMost('resume.ratio', figures.resume?.ratio, 1),
    atMost('workflowKiB / bareWorkflowKiB', ratio(workflowKiB, bareWorkflowKiB), MAX_MEMORY_RATIO),
    atMost('paused.databaseBytesPerStep', figures.paused?.databaseBytesPerStep, MAX_DATABASE_BYTES),
  ];
}

function exactly(name: string, value: number | undefined, wanted: number) {
  return targetOf(name, 'count', value, `${wanted}`, value === wanted);
}

function atMost(name: string, value: number | undefined, most: number) {
  return targetOf(name, 'measure', value, `≤ ${most.toLocaleString('en')}`, (value ?? 0) <= most);
}

function atLeast(name: string, value: number | undefined, least: number) {
  return targetOf(name, 'measure', value, `≥ ${least}`, (value ?? 0) >= least);
}

function targetOf(
  name: string,
  kind: Target['kind'],
  value: number | undefined,
  target: string,
  met: boolean,
): Target | undefined {
  return value === undefined ? undefined : { name, kind, target, value, met };
}

function ratio(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined || other === 0) return undefined;
  return Number((one / other).toFixed(3));
}
