/** Returns the forms in which servers quote a secret: as it is, and in each common encoding. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Replaces lone surrogates, which a URL can't hold.
  const text = bytes.toString();
  const percent = encodeURIComponent(text);
  const hex = bytes.toString('hex');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    percent.replace(/%../g, (byte) => byte.toLowerCase()),
    // A path leaves characters unencoded that a query must encode.
    encodeURI(text),
    new URLSearchParams({ '': text }).toString().slice(1),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
    ...fullyEscapedForms(text, bytes),
  ];
}

/** Every byte or character as an escape, also where none is needed: of a URL, of a JSON or JavaScript text, of HTML. */
function fullyEscapedForms(text: string, bytes: Buffer): string[] {
  const hexOf = (code: number, digits: number) => code.toString(16).padStart(digits, '0');
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return [
    inBothCases([...bytes], (byte) => ['%', hexOf(byte, 2), '']),
    inBothCases(units, (unit) => ['\\u', hexOf(unit, 4), '']),
    inBothCases(codes, (code) => ['&#x', hexOf(code, 2), ';']),
    [codes.map((code) => `&#${code};`).join('')],
  ].flat();
}

/** Writes each code as an escape, with its digits in lower and in upper case. */
function inBothCases(codes: number[], escapeOf: (code: number) => [string, string, string]): string[] {
  const escapes = codes.map(escapeOf);
  const lower = escapes.map(([before, digits, after]) => before + digits + after);
  const upper = escapes.map(([before, digits, after]) => before + digits.toUpperCase() + after);
  return [lower.join(''), upper.join('')];
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
