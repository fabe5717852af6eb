/** Characters that are looked at in one step where a text is read or written in steps. Takes about a millisecond. */
export const PIECE_CHARACTERS = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;

/** How far a string of a JSON text was followed. */
export interface FollowedString {
  /** Its closing quote was found. */
  closed: boolean;
  /** The index behind the closing quote, or the beginning of the next character or escape. */
  at: number;
}

/** Looks for the end of a string of a JSON text, up to about `until`. `from` is not inside an escape. RFC 8259 §7. */
export function followString(json: string, from: number, until: number): FollowedString {
  let at = from;
  for (; at < until; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) return { closed: true, at: at + 1 };
    if (code === BACKSLASH) at += json.charCodeAt(at + 1) === SMALL_U ? 5 : 1;
  }
  return { closed: false, at };
}
