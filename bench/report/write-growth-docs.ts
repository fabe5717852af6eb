import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GROWTH_PHASES } from '../names.ts';
import type { PartialReport } from './figures.ts';
import { growthTables } from './growth-rows.ts';
import { preliminary, table, withBlock } from './markdown.ts';
import { machineAsText } from './table.ts';

/** Writes the figures of the growth phases that ran into docs/performance.md; those of the others stay. */
export async function writeGrowthDocs(root: string, report: PartialReport): Promise<void> {
  const page = join(root, 'docs', 'performance.md');
  await writeFile(page, withGrowth(await readFile(page, 'utf8'), report));
}

/** @throws if the page has no place for the figures of a phase */
export function withGrowth(page: string, report: PartialReport): string {
  return GROWTH_PHASES.reduce((written, phase) => {
    const tables = growthTables(report.growth ?? {}).filter((one) => one.phase === phase);
    if (tables.length === 0) return written;
    const content = [
      `${report.at.slice(0, 10)}: ${machineAsText(report)}${preliminary(report)}`,
      ...tables.map(({ head, rows }) => table(head, rows)),
    ];
    return withBlock(written, marksOf(phase), content.join('\n\n'));
  }, page);
}

function marksOf(phase: string) {
  return {
    begin: `<!-- Written by npm run bench -- --growth --write-docs: ${phase} -->`,
    end: `<!-- The end of ${phase} -->`,
  };
}
