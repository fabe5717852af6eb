/** What a text says when it, or a part of it, is decoded. */
export interface Reading {
  /** Empty for the text as it stands; else ends in `in`. */
  how: string;
  bytes: Buffer;
}

/** JSON in base64 in JSON in base64, and one more. */
const MAX_DEPTH = 4;
const BASE64 = /[A-Za-z0-9+/_-]{16,}/g;
const HEX = /[0-9a-fA-F]{32,}/g;

/** A text as it stands, and everything that can be decoded from it, again and again. */
export function* readingsOf(bytes: Buffer, how = '', depth = 0): Generator<Reading> {
  yield { how, bytes };
  if (depth === MAX_DEPTH) return;
  const text = bytes.toString('latin1');
  for (const [name, decoded] of decodings(text)) {
    yield* readingsOf(decoded, `${how}${name}, in it `, depth + 1);
  }
}

function* decodings(text: string): Generator<[name: string, decoded: Buffer]> {
  for (const [run] of text.matchAll(BASE64)) {
    // Whatever letters stand before it look like a part of it.
    for (const skipped of [0, 1, 2, 3]) yield ['in base64', Buffer.from(run.slice(skipped), 'base64')];
  }
  for (const [run] of text.matchAll(HEX)) {
    for (const skipped of [0, 1]) yield ['in hex', Buffer.from(run.slice(skipped), 'hex')];
  }
  if (/%[0-9a-f]{2}/i.test(text)) yield ['percent-encoded', percentDecoded(text)];
  if (text.includes('\\')) yield ['escaped', unescaped(text)];
}

function percentDecoded(text: string): Buffer {
  const decoded = text.replace(/%([0-9a-f]{2})/gi, (_, byte: string) =>
    String.fromCharCode(parseInt(byte, 16)),
  );
  return Buffer.from(decoded, 'latin1');
}

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

function unescaped(text: string): Buffer {
  const decoded = text.replace(/\\(?:u([0-9a-f]{4})|(.))/gis, (_, code?: string, character = '') =>
    code === undefined
      ? (CONTROLS[character] ?? character)
      : Buffer.from(String.fromCharCode(parseInt(code, 16))).toString('latin1'),
  );
  return Buffer.from(decoded, 'latin1');
}
