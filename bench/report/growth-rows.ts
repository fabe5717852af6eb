import type { GrowingStatement } from '../growth/statements.ts';
import { titleOf } from '../growth/statements.ts';
import type { GROWTH_PHASES } from '../names.ts';
import type { Growth, HistoryCost, Spreading, TableSize, Woken } from './growth-figures.ts';

export interface GrowthTable {
  /** The phase that measured it. */
  phase: (typeof GROWTH_PHASES)[number];
  head: string[];
  rows: string[][];
}

/** The tables of those phases that ran. */
export function growthTables(growth: Growth): GrowthTable[] {
  const { users, stepHistory, servers, credentials, deposits, resumedStepHistory } = growth;
  return [
    ...(users ? [spreadingTable('users', users)] : []),
    ...(stepHistory ? [historyTable('users', 'a step', stepHistory)] : []),
    ...(servers ? [spreadingTable('servers', servers)] : []),
    ...(credentials
      ? [sizeTable(credentials.sizes), statementTable(credentials.sizes, credentials.statements)]
      : []),
    ...(deposits ? [wokenTable(deposits)] : []),
    ...(resumedStepHistory ? [historyTable('deposits', 'a step that was paused', resumedStepHistory)] : []),
  ];
}

function spreadingTable(phase: 'users' | 'servers', spreadings: readonly Spreading[]): GrowthTable {
  return {
    phase,
    head: [
      phase,
      'worker CPU a step, ms',
      'steps a second',
      'median latency, ms',
      'MCP requests a step',
      'worker CPU of a first step, ms',
      'its MCP requests',
    ],
    rows: spreadings.map(({ count, cpuMs, perSecond, p50Ms, requests, first }) =>
      [count, cpuMs, perSecond, p50Ms, requests, first.cpuMs, first.requests].map(text),
    ),
  };
}

function sizeTable(sizes: readonly TableSize[]): GrowthTable {
  return {
    phase: 'credentials',
    head: ['credentials', 'waiters', 'table of credentials, MiB', 'its indexes, MiB', 'bytes a credential'],
    rows: sizes.map(({ credentials, waiters, tableMiB, indexMiB }) =>
      [
        credentials,
        waiters,
        tableMiB,
        indexMiB,
        Math.round(((tableMiB + indexMiB) * 2 ** 20) / credentials),
      ].map(text),
    ),
  };
}

function statementTable(sizes: readonly TableSize[], statements: readonly GrowingStatement[]): GrowthTable {
  const figures = sizes.map(({ credentials }) => `ms / pages at ${text(credentials)}`);
  return {
    phase: 'credentials',
    head: ['path', 'function', 'statement', 'index', ...figures, ''],
    rows: statements.map((statement) => [
      statement.path,
      statement.operation,
      titleOf(statement.text),
      statement.indexes.join(', '),
      ...statement.at.map(({ ms, buffers }) => `${text(ms)} / ${text(buffers)}`),
      flagOf(statement),
    ]),
  };
}

/** Pages below this number are few, however much they have risen. */
const FEW_PAGES = 1_000;
const RISES = 3;

/** Says what a reader has to judge: a table that was read from end to end, or pages that rise with its size. */
export function flagOf({ scanned, at }: Pick<GrowingStatement, 'scanned' | 'at'>): string {
  if (scanned.length > 0) return `**reads all of ${scanned.join(', ')}**`;
  const [first, last] = [at.at(0)?.buffers ?? 0, at.at(-1)?.buffers ?? 0];
  return last > FEW_PAGES && last > RISES * first ? '**grows**' : '';
}

function wokenTable(deposits: readonly Woken[]): GrowthTable {
  return {
    phase: 'deposits',
    head: [
      'planned',
      'waiting steps',
      'completed',
      'seconds from the deposit',
      'worker CPU, s',
      'worker CPU a step, ms',
    ],
    rows: deposits.map(({ planned, waiters, completed, seconds, cpuSeconds }) =>
      [planned, waiters, completed, seconds, cpuSeconds, (cpuSeconds * 1_000) / Math.max(completed, 1)].map(
        text,
      ),
    ),
  };
}

function historyTable(phase: GrowthTable['phase'], of: string, cost: HistoryCost): GrowthTable {
  return {
    phase,
    head: ['in Temporal', 'events', 'bytes of history', 'state transitions'],
    rows: [[of, ...[cost.events, cost.bytes, cost.stateTransitions].map(text)]],
  };
}

function text(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 1 });
}
