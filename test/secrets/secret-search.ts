import { readingsOf } from './readings.ts';
import { formsOf } from './secret-forms.ts';

export interface Secret {
  /** What it is, for whoever reads that it was found. */
  name: string;
  value: Uint8Array;
}

export interface Finding<S extends Secret = Secret> {
  secret: S;
  /** How it was written down. */
  form: string;
}

/** Every secret that stands in a text, in whatever form, each once. */
export type SecretSearch<S extends Secret = Secret> = (content: string | Uint8Array) => Finding<S>[];

interface Needle<S extends Secret> extends Finding<S> {
  bytes: Buffer;
  /** Where in `bytes` the window lies that it is looked up by. */
  windowAt: number;
}

const WINDOW_BYTES = 4;
const BITS = 20;

/** A search for all of them at once: each text is read only once, however many secrets there are. */
export function createSecretSearch<S extends Secret>(secrets: readonly S[]): SecretSearch<S> {
  const needles = secrets.flatMap((secret) => needlesOf(secret));
  const mayBegin = new Uint8Array(2 ** BITS);
  const byWindow = new Map<number, Needle<S>[]>();
  for (const needle of needles) {
    const window = needle.bytes.readUInt32BE(needle.windowAt);
    mayBegin[slotOf(window)] = 1;
    byWindow.set(window, [...(byWindow.get(window) ?? []), needle]);
  }
  const findIn = (bytes: Buffer, found: Map<S, Finding<S>>, reading: string) => {
    let window = 0;
    for (let end = 0; end < bytes.length; end += 1) {
      window = ((window << 8) | (bytes[end] ?? 0)) >>> 0;
      if (mayBegin[slotOf(window)] !== 1) continue;
      const at = end - WINDOW_BYTES + 1;
      for (const { secret, form, ...needle } of byWindow.get(window) ?? []) {
        if (!found.has(secret) && standsAt(bytes, at, needle))
          found.set(secret, { secret, form: reading + form });
      }
    }
  };
  return (content) => {
    const found = new Map<S, Finding<S>>();
    for (const { bytes, how } of readingsOf(Buffer.from(content))) findIn(bytes, found, how);
    return [...found.values()];
  };
}

// The middle tells secrets apart where the beginning does not: all JWTs begin in the same way.
function needlesOf<S extends Secret>(secret: S): Needle<S>[] {
  return formsOf(secret.value).map(({ name: form, bytes }) => ({
    secret,
    form,
    bytes,
    windowAt: Math.floor((bytes.length - WINDOW_BYTES) / 2),
  }));
}

function slotOf(window: number): number {
  return Math.imul(window, 0x9e3779b1) >>> (32 - BITS);
}

function standsAt(
  text: Buffer,
  at: number,
  { bytes, windowAt }: Pick<Needle<Secret>, 'bytes' | 'windowAt'>,
): boolean {
  const start = at - windowAt;
  if (start < 0 || start + bytes.length > text.length) return false;
  return text.compare(bytes, 0, bytes.length, start, start + bytes.length) === 0;
}
