import type { FaultRow, Findings } from './findings.ts';
import { describeLoss, failuresOf } from './findings.ts';

const COLUMNS: readonly [keyof FaultRow, string][] = [
  ['fault', 'fault'],
  ['rounds', 'rounds'],
  ['grants', 'grants'],
  ['avoidableLosses', 'avoidable losses'],
  ['unavoidableLosses', 'unavoidable losses'],
  ['killsInWindow', '≤ kills in window'],
  ['steps', 'steps'],
  ['stepsLost', 'steps lost'],
  ['callsDoubled', 'calls doubled'],
];

export interface RunFacts {
  seed: string;
  seconds: number;
  folder: string;
}

/** The run in prose, ending with its table. */
export function report(findings: Findings, { seed, seconds, folder }: RunFacts): string {
  const { total, pauses, outcomeUnknown, toolRuns, losses } = findings;
  const failures = failuresOf(findings);
  const perSecond = (total.steps / seconds).toFixed(1);
  return [
    '',
    ...table([...findings.rows, total]),
    '',
    ...losses.filter(({ avoidable }) => !avoidable).map(describeLoss),
    `${total.steps} steps in ${Math.round(seconds)} s (${perSecond} a second); ${pauses} pauses until a user reconnected;`,
    `${outcomeUnknown} times an outcome was unknown; ${toolRuns} runs of tools that name their step.`,
    ...failures.map((failure) => `FAILED: ${failure}`),
    `seed ${seed}: ${failures.length === 0 ? 'passed' : `${failures.length} failures`}; logs are in ${folder}`,
  ].join('\n');
}

export function reportAsJson(findings: Findings, { seed, seconds, folder }: RunFacts): string {
  const { rows, total, pauses, outcomeUnknown } = findings;
  const failures = failuresOf(findings);
  return JSON.stringify({ seed, seconds, rows, total, pauses, outcomeUnknown, failures, folder });
}

function table(rows: readonly FaultRow[]): string[] {
  const cells = [COLUMNS.map(([, title]) => title), ...rows.map(cellsOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row.map((cell, column) => pad(cell, widths[column] ?? 0, column === 0)).join('  ');
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const [head = [], ...body] = cells;
  return [line(head), rule, ...body.slice(0, -1).map(line), rule, ...body.slice(-1).map(line)];
}

function cellsOf(row: FaultRow): string[] {
  return COLUMNS.map(([field]) => String(row[field]));
}

function pad(cell: string, width: number, isText: boolean): string {
  return isText ? cell.padEnd(width) : cell.padStart(width);
}
