import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours for a person at a terminal. In a pipe, and with NO_COLOR, texts stay as they are. */
export function colorsOf({ isTTY }: { isTTY?: boolean }): Colors {
  // `isColorSupported` alone is also true in a pipe if CI or FORCE_COLOR is set.
  return picocolors.createColors(isTTY === true && picocolors.isColorSupported);
}
