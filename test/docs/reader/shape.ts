import { screenOf } from '../terminal-output.ts';

/** A line that stands for any lines. */
const ANY = '…';

/**
 * The lines of an output without what differs from run to run: times, numbers, ids, hosts, and the widths of columns. A
 * line that repeats the one before, such as that of a progress, counts once.
 */
export function shapeOf(output: string): string[] {
  return screenOf(output)
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00)/g, '<time>')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/https?:\/\/[\w.-]+(:\d+)?/g, '<origin>')
    .replaceAll(/\b\d+@[\w.-]+/g, '<process>')
    .replaceAll(/\b\d+( seconds?| minutes?)? ago/g, '<time> ago')
    .replaceAll(/(?<![\w-])\d+(\.\d+)*(?![\w-])/g, '<n>')
    .replaceAll(/-{3,}/g, '---')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line, index, lines) => line !== '' && line !== lines[index - 1]);
}

/** Whether the output has the shown lines, in their order and no others, but where `…` stands for any. */
export function hasShape(output: string, shown: string): boolean {
  const seen = shapeOf(output);
  const parts = shapeOf(shown);
  if (!parts.includes(ANY)) return JSON.stringify(seen) === JSON.stringify(parts);
  let at = 0;
  return parts
    .filter((line) => line !== ANY)
    .every((line) => {
      const next = seen.indexOf(line, at);
      at = next + 1;
      return next >= 0;
    });
}
