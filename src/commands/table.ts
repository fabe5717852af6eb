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
  const lines = isTty ? alignColumns([heading, ...clean]) : clean.map((row) => row.join('\t'));
  return lines.map((line) => `${line}\n`).join('');
}

/** @param rightFrom the first column whose texts are aligned to the right. Default: none */
export function alignColumns(rows: readonly (readonly string[])[], rightFrom = Infinity): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number) => {
    const width = widths[column] ?? 0;
    return column < rightFrom ? text.padEnd(width) : text.padStart(width);
  };
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}

/** Text of another system, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Cf}/gu, ' ');
}
