/** One of the ways in which a secret can be written down. */
export interface SecretForm {
  name: string;
  bytes: Buffer;
}

/** Shorter ones would be found by chance, above all in their encoded forms. */
export const MIN_SECRET_BYTES = 16;

/**
 * Every form that one step of encoding gives a secret, whatever stands before and behind it.
 *
 * @throws for a secret that is too short to be told from other text
 */
export function formsOf(secret: Uint8Array): SecretForm[] {
  if (secret.byteLength < MIN_SECRET_BYTES) {
    throw new Error(`a secret of ${secret.byteLength} bytes is too short to be searched for`);
  }
  const bytes = Buffer.from(secret);
  const forms = [
    { name: 'raw', bytes },
    ...base64Forms(bytes),
    ...textForms(bytes).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
  ];
  // Of forms that are the same the first one names it.
  const byText = forms.map((form) => [form.bytes.toString('latin1'), form] as const);
  return [...new Map(byText.reverse()).values()];
}

// The bytes before and behind it share a character with its first and last ones: those are left out.
function base64Forms(bytes: Buffer): SecretForm[] {
  return [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((shifted.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => ({
      name: `${encoding}, ${before} bytes behind a boundary`,
      bytes: Buffer.from(shifted.toString(encoding).slice(from, to)),
    }));
  });
}

function textForms(bytes: Buffer): [name: string, text: string][] {
  const hex = bytes.toString('hex');
  const everyByte = hex.replace(/../g, '%$&');
  const forms: [string, string][] = [
    ['hex', hex],
    ['hex in capitals', hex.toUpperCase()],
    ['every byte percent-encoded', everyByte],
    ['every byte percent-encoded in capitals', everyByte.toUpperCase()],
  ];
  const text = bytes.toString();
  // Keys are bytes that are no text.
  if (!Buffer.from(text).equals(bytes)) return forms;
  const percent = encodeURIComponent(text);
  return [
    ...forms,
    ['percent-encoded', percent],
    ['percent-encoded in small letters', percent.replace(/%../g, (byte) => byte.toLowerCase())],
    ['form-encoded', new URLSearchParams({ '': text }).toString().slice(1)],
    ['JSON', JSON.stringify(text).slice(1, -1)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1)],
  ];
}
