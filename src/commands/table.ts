/**
 * Lays out rows for a person at a terminal, or as tab-separated lines without a heading for another program. Control
 * characters become spaces, because some of the text comes from other systems.
 */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  isTty: boolean,
): string {
  const clean = rows.map((row) => row.map(printable));
  if (!isTty) return clean.map((row) => `${row.join('\t')}\n`).join('');
  const all = [heading, ...clean];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ');
  return all.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** Text of another system, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Cf}/gu, ' ');
}
