import type { PartialReport } from './figures.ts';

/**
 * A load of more per core before the run: others worked on the machine. The build that `npm run bench` begins with left
 * 0.32 on a machine that did nothing else.
 */
const BUSY = 0.4;

export function preliminary({ machine: { loadBefore, cores } }: Pick<PartialReport, 'machine'>): string {
  if (loadBefore <= BUSY * cores) return '';
  return ' **Preliminary:** other work kept the machine busy.';
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/**
 * Replaces what a page has between two marks.
 *
 * @throws if the page has no place for it
 */
export function withBlock(page: string, marks: { begin: string; end: string }, content: string): string {
  const begin = page.indexOf(marks.begin);
  const end = page.indexOf(marks.end);
  if (begin === -1 || end < begin) throw new Error(`docs/performance.md has no place for it: ${marks.begin}`);
  return `${page.slice(0, begin)}${marks.begin}\n\n${content}\n\n${page.slice(end)}`;
}
