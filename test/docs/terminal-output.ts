import { STATUS_WORDS } from '../../src/web/step-words.ts';

/** ECMA-48: erase to the end of the line, as the commands and `npx` do before they overwrite it. */
const ERASE = ['\u001b[K', '\u001b[0K'] as const;

/** What a person sees in the end, without what was overwritten. */
export function screenOf(output: string): string {
  return output
    .split('\n')
    .map((line) => afterErase(line.replace(/\r+$/, '')))
    .join('\n');
}

function afterErase(line: string): string {
  const starts = ERASE.map((erase) => line.lastIndexOf(erase) + (line.includes(erase) ? erase.length : 1));
  return line.slice(Math.max(...starts));
}

/**
 * The lines of an output without what differs from run to run: ports, folders, times, numbers of invoices, the widths of
 * columns. Without "Running" as well: whether a short state is seen between two others is a matter of timing.
 */
export function normalized(screen: string): string[] {
  return screen
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replaceAll(/\S*latchkey-demo-\w+/g, '<folder>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/INV-\d+/g, 'INV-<number>')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && line !== STATUS_WORDS.running);
}
