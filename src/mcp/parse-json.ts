/** JSON as a server wrote it, also after a byte order mark (RFC 8259 §8.1); undefined for what is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF+/, ''));
  } catch {
    return undefined;
  }
}
