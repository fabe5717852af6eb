/** What is left of the bytes that a part of a page may take up. It keeps a page small whatever a server answered. */
export interface ByteBudget {
  /** Cuts a text to `maxCharacters`, and to the bytes that are left. */
  take(text: string, maxCharacters: number): CutText;
  /** Counts markup. Returns false where too little is left for it. */
  spend(bytes: number): boolean;
}

interface CutText {
  text: string;
  /** How many characters were cut off. */
  left: number;
}

export function createByteBudget(bytes: number): ByteBudget {
  let left = bytes;
  return {
    take(text, maxCharacters) {
      const end = endWithin(text, Math.min(text.length, maxCharacters), left);
      const shown = text.slice(0, end);
      left -= escapedBytes(shown);
      return { text: shown, left: text.length - end };
    },
    spend(cost) {
      if (cost > left) return false;
      left -= cost;
      return true;
    },
  };
}

function endWithin(text: string, maxCharacters: number, maxBytes: number): number {
  let bytes = 0;
  for (let at = 0; at < maxCharacters; at++) {
    bytes += bytesOf(text.charCodeAt(at));
    if (bytes > maxBytes) return wholeCharacters(text, at);
  }
  return wholeCharacters(text, maxCharacters);
}

/** Never ends between the two halves of a character such as an emoji. */
function wholeCharacters(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

/** The bytes of a text in a page. */
export function escapedBytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) bytes += bytesOf(text.charCodeAt(at));
  return bytes;
}

/** In UTF-8, with `<`, `&` and `"` as character references. */
function bytesOf(code: number): number {
  if (code < 0x80) return code === 0x22 ? 6 : code === 0x26 || code === 0x3c || code === 0x3e ? 5 : 1;
  return code < 0x800 ? 2 : 3;
}
