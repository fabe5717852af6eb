/** The most characters that long work processes between two yields. Takes about a millisecond. */
export const PIECE_CHARACTERS = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;

/** How far `followString` got. */
export interface FollowedString {
  /** Its closing quote was found. */
  closed: boolean;
  /** The index after the closing quote. If that was not found, the index of the next character or escape. */
  at: number;
}

/** Looks for the end of a string in a JSON text, up to about `until`. `from` must not be inside an escape. RFC 8259 §7. */
export function followString(json: string, from: number, until: number): FollowedString {
  let at = from;
  for (; at < until; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) return { closed: true, at: at + 1 };
    if (code === BACKSLASH) at += json.charCodeAt(at + 1) === SMALL_U ? 5 : 1;
  }
  return { closed: false, at };
}
