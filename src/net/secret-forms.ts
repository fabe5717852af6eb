/** Returns the forms in which servers quote a secret: as it is, and in each common encoding. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Replaces lone surrogates, which a URL can't hold.
  const text = bytes.toString();
  const hex = bytes.toString('hex');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    new URLSearchParams({ '': text }).toString().slice(1),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
    ...decimalEntities(text),
    ...[lowerCase, upperCase].flatMap((inCase) => [
      ...percentForms(text, inCase),
      ...jsonForms(text, inCase),
      ...hexadecimalEntities(text, inCase),
    ]),
  ];
}

/** The characters of each form that a search looks for first. */
const HEAD_LENGTH = 24;
/** The forms of so many characters of a secret begin as those of all of it do, for longer than a head. */
const HEAD_CODE_POINTS = 26;
/** The most characters of a form for one of the secret: `%XX%XX%XX`. */
const MAX_GROWTH = 9;

/** Returns how the forms of a secret begin. Takes as long for a long secret as for a short one. */
export function headsOf(secret: string): string[] {
  const beginning = Array.from(secret.slice(0, 2 * HEAD_CODE_POINTS))
    .slice(0, HEAD_CODE_POINTS)
    .join('');
  return formsOf(beginning).map((form) => form.slice(0, HEAD_LENGTH));
}

/** No form of the secret is longer. */
export function maxFormLength(secret: string): number {
  return MAX_GROWTH * secret.length;
}

/** Writes a number in at least `length` hexadecimal digits (2 or 4), in lower or in upper case. */
type HexDigits = (code: number, length: number) => string;

/** In UTF-8 these characters are one byte. Tokens hold no others. */
const MAX_ASCII = 0x7f;
/** Written once, because each call of a tool needs some 500 of them. */
const ASCII_IN_HEX = Array.from({ length: MAX_ASCII + 1 }, (_, code) => code.toString(16).padStart(2, '0'));
const ASCII_IN_UPPER_CASE_HEX = ASCII_IN_HEX.map((digits) => digits.toUpperCase());

const lowerCase: HexDigits = (code, length) =>
  (ASCII_IN_HEX[code] ?? code.toString(16)).padStart(length, '0');
const upperCase: HexDigits = (code, length) =>
  (ASCII_IN_UPPER_CASE_HEX[code] ?? code.toString(16).toUpperCase()).padStart(length, '0');

/** Encoders differ in what they leave as it is: from nothing to what a path may hold. */
function percentForms(text: string, hex: HexDigits): string[] {
  const percent = (character: string) => {
    const code = character.charCodeAt(0);
    if (code <= MAX_ASCII) return `%${hex(code, 2)}`;
    return Array.from(Buffer.from(character), (byte) => `%${hex(byte, 2)}`).join('');
  };
  const encoded = [/./gsu, /[^a-z0-9]/giu, /[^\w.-]/gu, /[^\w.~-]/gu].map((what) =>
    text.replace(what, percent),
  );
  const byUrl = [encodeURIComponent(text), encodeURI(text)].map((form) =>
    form.replace(/%(..)/g, (_, digits: string) => `%${hex(Number.parseInt(digits, 16), 2)}`),
  );
  return [...encoded, ...byUrl];
}

/** Beside quotes and backslashes: all, what is not ASCII, also slashes (PHP), what HTML reserves (Go), also `+` (.NET). */
function jsonForms(text: string, hex: HexDigits): string[] {
  const escapeOf = (unit: string) => `\\u${hex(unit.charCodeAt(0), 4)}`;
  const unicode = (character: string) =>
    character.length === 1 ? escapeOf(character) : Array.from(character.split(''), escapeOf).join('');
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replace(/[^ -~]/gu, unicode);
  return [
    text.replace(/./gsu, unicode),
    ascii,
    ascii.replaceAll('/', '\\/'),
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&]/g, unicode),
    text.replaceAll('\\', '\\\\').replace(/["&'<>+`]|[^ -~]/gu, unicode),
  ];
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function decimalEntities(text: string): string[] {
  const decimal = (character: string) => `&#${character.codePointAt(0)};`;
  const named = text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
  return [
    text.replace(/./gsu, decimal),
    text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? decimal(character)),
    named,
    named.replaceAll("'", '&apos;'),
    named.replaceAll('&quot;', '&#34;').replaceAll("'", '&#39;'),
  ];
}

function hexadecimalEntities(text: string, hex: HexDigits): string[] {
  const entity = (character: string) => `&#x${hex(character.codePointAt(0) ?? 0, 2)};`;
  return [
    text.replace(/./gsu, entity),
    text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? entity(character)),
  ];
}

// In base64 the secret may begin at each of three offsets. A first or last character that it shares with its neighbours
// is left out.
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((shifted.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => shifted.toString(encoding).slice(from, to));
  });
}
