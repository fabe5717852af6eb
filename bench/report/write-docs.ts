import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chartsOf } from './charts.ts';
import type { Report } from './figures.ts';
import { preliminary, table, withBlock } from './markdown.ts';
import { rowsOf, variantRows } from './rows.ts';
import { machineAsText } from './table.ts';
import { targetsOf } from './targets.ts';

const BEGIN = '<!-- Written by npm run bench -- --write-docs -->';
const END = '<!-- The end of what it writes -->';

/** Writes the figures into docs/performance.md and the plots beside it. */
export async function writeDocs(root: string, report: Report): Promise<void> {
  const images = join(root, 'docs', 'images');
  await mkdir(images, { recursive: true });
  for (const [name, svg] of Object.entries(chartsOf(report))) await writeFile(join(images, name), svg);
  const page = join(root, 'docs', 'performance.md');
  await writeFile(page, withFigures(await readFile(page, 'utf8'), report));
}

/** @throws if the page has no place for the figures */
export function withFigures(page: string, report: Report): string {
  return withBlock(page, { begin: BEGIN, end: END }, figuresAsMarkdown(report));
}

function figuresAsMarkdown(report: Report): string {
  const targets = targetsOf(report).map(({ name, value, target, met }): string[] => [
    `\`${name}\``,
    `${value}`,
    target,
    met ? 'yes' : 'no',
  ]);
  return [
    `${report.at.slice(0, 10)}: ${machineAsText(report)}${preliminary(report)}`,
    table(['', 'step', 'bare workflow'], rowsOf(report)),
    ...(variantRows(report).length > 0
      ? [table(['another way to write the bare workflow', ''], variantRows(report))]
      : []),
    table(['target', 'is', 'has to be', 'met'], targets),
    ...Object.keys(chartsOf(report)).map((name) => `![${ALT[name] ?? name}](images/${name})`),
  ].join('\n\n');
}

const ALT: Record<string, string> = {
  'bench-throughput.svg': 'Throughput against concurrency, of steps and of bare workflows',
  'bench-resume.svg': 'Time to resume against the number of waiting workflows',
  'bench-paused.svg': 'Memory of a worker and size of the database against the number of paused steps',
};
