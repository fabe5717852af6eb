/** Colours a cell's text. `column` is its text in row 0, the heading. */
export type PaintCell = (text: string, place: { column: string; row: number }) => string;

const unpainted: PaintCell = (text) => text;

/**
 * Lays out rows for a person at a terminal, without columns that are empty, or as tab-separated lines without a
 * heading for another program. Control characters become spaces, because some of the text comes from other systems.
 *
 * @param paint only used for a person
 */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  isTty: boolean,
  paint?: PaintCell,
): string {
  const clean = rows.map((row) => row.map(printable));
  const lines = isTty
    ? alignColumns(withoutEmptyColumns(heading, clean), Infinity, paint)
    : clean.map((row) => row.join('\t'));
  return lines.map((line) => `${line}\n`).join('');
}

function withoutEmptyColumns(heading: readonly string[], rows: readonly string[][]): string[][] {
  const isShown = heading.map((_, column) => rows.some((row) => row[column] !== ''));
  return [[...heading], ...rows].map((row) => row.filter((_, column) => isShown[column]));
}

/** @param rightFrom the first column whose texts are aligned to the right. Default: none */
export function alignColumns(
  rows: readonly (readonly string[])[],
  rightFrom = Infinity,
  paint = unpainted,
): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number, row: number) => {
    const padding = ' '.repeat(Math.max((widths[column] ?? 0) - text.length, 0));
    const painted = paint(text, { column: rows[0]?.[column] ?? '', row });
    return column < rightFrom ? `${painted}${padding}` : `${padding}${painted}`;
  };
  return rows.map((cells, row) =>
    cells
      .map((text, column) => cell(text, column, row))
      .join('  ')
      .trimEnd(),
  );
}

/** Text of another system, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Cf}/gu, ' ');
}

/** The same for a text of several lines. */
export function printableLines(text: string): string {
  return text.replaceAll(/[^\n\t\P{Cc}]|\p{Cf}/gu, ' ');
}
