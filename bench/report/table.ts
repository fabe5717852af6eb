import type { PartialReport } from './figures.ts';
import { growthTables } from './growth-rows.ts';
import { rowsOf, variantRows } from './rows.ts';
import { targetsOf } from './targets.ts';

/** The report for people, as text. */
export function reportAsText(report: PartialReport): string {
  const figures = rowsOf(report);
  const variants = variantRows(report);
  const targets = targetsOf(report).map(({ name, target, value, met }): string[] => [
    name,
    `${value}`,
    target,
    met ? 'met' : 'NOT met',
  ]);
  const growth = growthTables(report.growth ?? {}).map(({ head, rows }) => [head, ...rows]);
  const tables: string[][][] = [
    ...(figures.length > 0 ? [[['', 'step', 'bare'], ...figures]] : []),
    ...(variants.length > 0 ? [variants] : []),
    ...(targets.length > 0 ? [[['target', 'is', 'has to be', ''], ...targets]] : []),
    ...growth,
  ];
  return [machineAsText(report), ...tables.map(aligned)].join('\n\n');
}

/** One sentence, in text and in the docs. */
export function machineAsText({ machine, mode }: PartialReport): string {
  const { cores, cpu, memoryGiB, platform, node, temporal, postgres, loadBefore } = machine;
  return (
    `${cores} cores (${cpu}), ${memoryGiB} GiB, ${platform}, Node ${node}, Temporal server ${temporal}, ` +
    `Postgres ${postgres}; load of ${loadBefore} before the run; ${mode} mode.`
  );
}

function aligned(rows: string[][]): string {
  const columns =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(columns[column] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
