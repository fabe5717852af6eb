/** What a message of Temporal's holds that a codec could have encrypted, or should have. */
export interface RawContents {
  /** The encodings of all payloads, by where they stand. */
  encodings: [path: string, encoding: string][];
  /** The messages and stack traces of all failures. */
  failures: string[];
  /** Every text and every payload's bytes as text. */
  texts: string[];
}

/** Search attributes are never encrypted: they are not looked at. */
export function rawContents(message: unknown): RawContents {
  const contents: RawContents = { encodings: [], failures: [], texts: [] };
  collect(message, '', contents);
  return contents;
}

function collect(value: unknown, path: string, into: RawContents): void {
  if (typeof value === 'string') into.texts.push(value);
  if (value instanceof Uint8Array) into.texts.push(Buffer.from(value).toString());
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if ('metadata' in value && 'data' in value) {
    into.encodings.push([path, encodingOf(value.metadata)]);
  }
  if ('stackTrace' in value && 'message' in value) {
    into.failures.push(...[value.message, value.stackTrace].map(String).filter((text) => text !== ''));
  }
  for (const [name, member] of Object.entries(value)) {
    if (name !== 'searchAttributes') collect(member, `${path}.${name}`, into);
  }
}

function encodingOf(metadata: unknown): string {
  const isEncoded = typeof metadata === 'object' && metadata !== null && 'encoding' in metadata;
  return isEncoded && metadata.encoding instanceof Uint8Array
    ? Buffer.from(metadata.encoding).toString()
    : '(none)';
}
