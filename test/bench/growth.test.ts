import { describe, expect, test } from 'vitest';
import { measureSpreads, spreadingOf } from '../../bench/growth/spreading.ts';
import { GROWTH_PHASES } from '../../bench/names.ts';
import { PHASES } from '../../bench/phases/phases.ts';
import type { PartialReport } from '../../bench/report/figures.ts';
import { reportSchema } from '../../bench/report/figures.ts';
import type { Growth } from '../../bench/report/growth-figures.ts';
import { flagOf, growthTables } from '../../bench/report/growth-rows.ts';
import { reportAsText } from '../../bench/report/table.ts';
import { withGrowth } from '../../bench/report/write-growth-docs.ts';
import type { WorkerProcess } from '../../bench/worker-process.ts';
import { SAMPLE } from './sample-report.ts';

const GROWTH = {
  users: [
    { count: 1, perSecond: 30, cpuMs: 24, p50Ms: 900, requests: 1, first: { cpuMs: 80, requests: 3 } },
    { count: 1_000, perSecond: 25, cpuMs: 26, p50Ms: 950, requests: 1, first: { cpuMs: 70, requests: 3 } },
  ],
  credentials: {
    sizes: [
      { credentials: 100_000, waiters: 9_000, tableMiB: 200, indexMiB: 50 },
      { credentials: 1_000_000, waiters: 90_000, tableMiB: 2_000, indexMiB: 500 },
    ],
    statements: [
      {
        path: 'call',
        operation: 'readConnection',
        text: 'SELECT 1 FROM mcp_server',
        indexes: ['mcp_credential_pkey'],
        scanned: [],
        at: [
          { ms: 0.1, buffers: 7 },
          { ms: 0.12, buffers: 8 },
        ],
      },
    ],
  },
  deposits: [{ planned: 1_000, waiters: 1_000, completed: 500, seconds: 20, cpuSeconds: 12 }],
} satisfies Growth;

test('the phases of growth run only if they are named, and the full object has no figure of theirs', () => {
  expect(PHASES.filter(({ byName }) => byName).map(({ name }) => name)).toEqual([...GROWTH_PHASES]);
  expect(reportSchema.safeParse({ ...SAMPLE, growth: GROWTH }).success).toBe(false);
});

describe('a spread of steps', () => {
  test('opens every session first, then makes the same number of steps for each, in turn', async () => {
    const seen: string[] = [];
    const contender = { runOne: async (userId: string) => void seen.push(userId) };
    const targetsOf = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ userId: `${count}-${index}`, contender }));
    const spreads = [1, 3].map((count) => ({ count, targets: targetsOf(count) }));
    let cpu = 0;
    // The cast is safe: nothing else of the worker is asked for.
    const worker = { cpuMs: async () => (cpu += 10) } as WorkerProcess;

    const measured = await measureSpreads(
      spreads,
      { runs: 2, steps: 2 },
      { worker, countRequests: () => seen.length, say: () => {} },
    );

    expect(seen.slice(0, 4)).toEqual(['1-0', '3-0', '3-1', '3-2']);
    expect(seen.slice(4)).toEqual(['1-0', '1-0', '3-0', '3-1', '1-0', '1-0', '3-2', '3-0']);
    expect(measured.map(({ count, cpuMs, requests }) => ({ count, cpuMs, requests }))).toEqual([
      { count: 1, cpuMs: 5, requests: 1 },
      { count: 3, cpuMs: 5, requests: 1 },
    ]);
  });

  test('comes to medians', () => {
    const run = (cpuMs: number) => {
      const latenciesMs = [cpuMs];
      return { seconds: 1, latenciesMs, perSecond: 1, cpuMs, requests: 1, cpu: undefined };
    };

    expect(spreadingOf(10, run(80), [run(30), run(20), run(90)])).toEqual({
      count: 10,
      perSecond: 1,
      cpuMs: 30,
      p50Ms: 30,
      requests: 1,
      first: { cpuMs: 80, requests: 1 },
    });
  });
});

describe('a statement', () => {
  const at = (...buffers: number[]) => buffers.map((one) => ({ ms: 1, buffers: one }));

  test.each([
    [{ scanned: [], at: at(10, 12) }, ''],
    [{ scanned: [], at: at(10, 900) }, ''],
    [{ scanned: [], at: at(5_000, 9_000) }, ''],
    [{ scanned: [], at: at(1_000, 9_000) }, '**grows**'],
    [{ scanned: ['mcp_step_waiter'], at: at(1, 1) }, '**reads all of mcp_step_waiter**'],
  ])('with %j is flagged with "%s"', (statement, flag) => {
    expect(flagOf(statement)).toBe(flag);
  });
});

describe('the report', () => {
  const report: PartialReport = {
    mode: 'full',
    at: SAMPLE.at,
    machine: { ...SAMPLE.machine, loadBefore: 4 },
    seconds: {},
    growth: GROWTH,
  };
  const placeOf = (phase: string) =>
    `<!-- Written by npm run bench -- --growth --write-docs: ${phase} -->\nold ${phase}\n<!-- The end of ${phase} -->\n`;
  const page = GROWTH_PHASES.map(placeOf).join('\n');

  test('has a table for each phase that ran, and two for the credentials', () => {
    expect(growthTables(GROWTH).map(({ phase }) => phase)).toEqual([
      ...['users', 'credentials', 'credentials', 'deposits'],
    ]);
    for (const { head, rows } of growthTables(GROWTH)) {
      for (const row of rows) expect(row).toHaveLength(head.length);
    }
    expect(reportAsText(report)).toContain('readConnection');
    expect(reportAsText(report)).not.toContain('has to be');
  });

  test('is written phase by phase: what a run did not measure stays', () => {
    const written = withGrowth(page, report);

    expect(written).not.toContain('old users');
    expect(written).toContain('old servers');
    expect(written).toContain('| 1,000 | 26 | 25 | 950 | 1 | 70 | 3 |');
    expect(written).toContain(
      '| call | readConnection | SELECT mcp_server | mcp_credential_pkey | 0.1 / 7 | 0.12 / 8 |  |',
    );
    expect(written).toContain('| 1,000 | 1,000 | 500 | 20 | 12 | 24 |');
    expect(written).toContain('**Preliminary:**');
    expect(withGrowth(written, report)).toBe(written);
  });

  test('needs a place for each phase that ran', () => {
    expect(() => withGrowth(placeOf('users'), report)).toThrow(/no place.*credentials/);
  });
});
