import { describe, expect, test } from 'vitest';
import { chartsOf } from '../../bench/report/charts.ts';
import { promisedFigures, reportSchema } from '../../bench/report/figures.ts';
import { reportAsText } from '../../bench/report/table.ts';
import { targetsOf, wrongCounts } from '../../bench/report/targets.ts';
import { withFigures } from '../../bench/report/write-docs.ts';
import { SAMPLE } from './sample-report.ts';

/** What others read from the JSON object, by name. */
const PROMISED: Record<string, string[]> = {
  stepThroughput: [],
  bareThroughput: [],
  throughputRatio: [],
  stepLatencyMs: ['p50', 'p95'],
  bareLatencyMs: ['p50', 'p95'],
  stepCpuMs: [],
  bareCpuMs: [],
  cpuRatio: [],
  workflowKiB: [],
  bareWorkflowKiB: [],
  historyEventsHappyPath: [],
  requestsPerCall: [],
  stampede: ['steps', 'workerProcesses', 'grants', 'seconds'],
  resume: ['waiters', 'seconds', 'rawSignalSeconds', 'ratio'],
  paused: ['steps', 'maxCachedWorkflows', 'workerRssMiB', 'databaseBytesPerStep'],
};

describe('the object', () => {
  test('has every promised figure by its name, and no other among them', () => {
    expect(Object.keys(promisedFigures).sort()).toEqual(Object.keys(PROMISED).sort());
    expect(reportSchema.parse(SAMPLE)).toEqual(SAMPLE);
  });

  test.each(
    Object.entries(PROMISED).flatMap(([name, members]) =>
      ['', ...members].map((member) => [name, member] as const),
    ),
  )('is refused without %s %s', (name, member) => {
    const report = structuredClone(SAMPLE);
    if (member === '') Reflect.deleteProperty(report, name);
    else Reflect.deleteProperty(Reflect.get(report, name), member);

    expect(reportSchema.safeParse(report).success).toBe(false);
  });

  test('is refused with a figure that could not be measured', () => {
    expect(reportSchema.safeParse({ ...SAMPLE, cpuRatio: Number.NaN }).success).toBe(false);
    expect(reportSchema.safeParse({ ...SAMPLE, stepThroughput: Number.POSITIVE_INFINITY }).success).toBe(
      false,
    );
  });
});

describe('the counts', () => {
  test('are right in a good run', () => {
    expect(wrongCounts(SAMPLE)).toEqual([]);
  });

  test.each([
    [{ historyEventsHappyPath: 14 }, 'historyEventsHappyPath is 14, not 11'],
    [{ requestsPerCall: 1.02 }, 'requestsPerCall is 1.02, not 1'],
    [{ bareRequestsPerCall: 2 }, 'bareRequestsPerCall is 2, not 1'],
    [{ stampede: { ...SAMPLE.stampede, grants: 4 } }, 'stampede.grants is 4, not 1'],
    [{ stampede: { ...SAMPLE.stampede, grants: 0 } }, 'stampede.grants is 0, not 1'],
  ])('are wrong with %j', (change, sentence) => {
    expect(wrongCounts({ ...SAMPLE, ...change })).toEqual([sentence]);
  });

  test('do not include times', () => {
    expect(wrongCounts({ ...SAMPLE, cpuRatio: 9, throughputRatio: 0.1 })).toEqual([]);
  });
});

test('each target is judged by its own limit', () => {
  const bad = {
    ...SAMPLE,
    cpuRatio: 1.16,
    throughputRatio: 0.94,
    stepLatencyMs: { p50: 157, p95: 170 },
    workflowKiB: 240,
    resume: { ...SAMPLE.resume, ratio: 1.01 },
    paused: { ...SAMPLE.paused, databaseBytesPerStep: 4_097 },
  };
  const missed = (report: typeof SAMPLE) => targetsOf(report).filter(({ met }) => !met);

  expect(missed(SAMPLE)).toEqual([]);
  expect(missed(bad).map(({ name }) => name)).toEqual([
    'cpuRatio',
    'throughputRatio',
    'stepLatencyMs.p50 / bareLatencyMs.p50',
    'resume.ratio',
    'workflowKiB / bareWorkflowKiB',
    'paused.databaseBytesPerStep',
  ]);
});

test('the table names every target and says which is missed', () => {
  const text = reportAsText({ ...SAMPLE, cpuRatio: 1.5 });

  expect(text).toMatch(/cpuRatio +1\.5 +≤ 1\.15 +NOT met/);
  expect(text).toMatch(/a session for each call +15 a second, 40 ms of CPU and 5 MCP requests each/);
  expect(text).toMatch(/throughputRatio +0\.967 +≥ 0\.95 +met/);
});

test('every chart draws all of its points', () => {
  const charts = chartsOf(SAMPLE);
  const circlesOf = (name: string) => charts[name]?.match(/<circle /g)?.length;

  expect(circlesOf('bench-throughput.svg')).toBe(2 * SAMPLE.throughputCurve.length);
  expect(circlesOf('bench-resume.svg')).toBe(2 * SAMPLE.resumeCurve.length);
  expect(circlesOf('bench-paused.svg')).toBe(2 * SAMPLE.pausedCurve.length);
  for (const svg of Object.values(charts)) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

describe('the page', () => {
  const page =
    'Before.\n\n<!-- Written by npm run bench -- --write-docs -->\nold\n<!-- The end of what it writes -->\n\nAfter.\n';

  test('gets the new figures between its marks, and keeps the rest', () => {
    const written = withFigures(page, SAMPLE);

    expect(written).toMatch(/^Before\.\n/);
    expect(written).toMatch(/\nAfter\.\n$/);
    expect(written).not.toContain('old');
    expect(written).toContain('| events in the history | 11 |');
    expect(withFigures(written, SAMPLE)).toBe(written);
  });

  test('says that figures of a busy machine are preliminary', () => {
    const busy = { ...SAMPLE, machine: { ...SAMPLE.machine, loadBefore: 3 } };

    expect(withFigures(page, busy)).toContain('**Preliminary:**');
    expect(withFigures(page, SAMPLE)).not.toContain('**Preliminary:**');
  });

  test('is left alone without a place for them', () => {
    expect(() => withFigures('no marks', SAMPLE)).toThrow(/no place/);
  });
});
