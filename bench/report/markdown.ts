import type { PartialReport } from './figures.ts';

/** A load of more per core before the run: the machine was busy, with other work or the build before the benchmark. */
const BUSY = 0.25;

export function preliminary({ machine: { loadBefore, cores } }: Pick<PartialReport, 'machine'>): string {
  if (loadBefore <= BUSY * cores) return '';
  return ' **Preliminary:** the machine was busy before the run.';
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
