import { NetworkError } from '../net/network.ts';
import { mediaType } from './media-type.ts';

/** A body that is read once. `cancel` gives it up together with its connection. */
export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

/** `other`: neither of the forms in which a server may answer. */
export type BodyForm = 'json' | 'events' | 'other';

/** JSON's white space, and the three bytes of a byte order mark. */
const BEFORE_CONTENT = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
const JSON_BEGINS = /^[{[]/;
const EVENTS_BEGIN = /^(?:data|event|id|retry)?:/;
const LONGEST_FIELD_NAME = 8;

/**
 * A body, and what it is by the way it begins. Servers name the type of an answer wrongly, or not at all; the
 * type decides only where the beginning does not.
 *
 * @throws NetworkError
 */
export async function openBody(
  response: Response,
  maxBytes: number,
): Promise<{ form: BodyForm; reader: ByteReader }> {
  const { body } = response;
  const type = mediaType(response);
  if (body === null) return { form: formByType(type), reader: EMPTY };
  const reader: ByteReader = body.getReader();
  const head: Uint8Array[] = [];
  const begins = await readBeginning(reader, head, maxBytes);
  return { form: formOf(begins, type), reader: replaying(head, reader) };
}

/** So many bytes are progress: a server that drips one now and then keeps no call alive. */
const PROGRESS_BYTES = 16 * 1024;

/** The same body, which tells of each good part of it that has come, and of the rest. */
export function tellingProgress(reader: ByteReader, tell: (bytes: number) => void): ByteReader {
  let untold = 0;
  return {
    async read() {
      const part = await reader.read();
      untold += part.value?.byteLength ?? 0;
      if (untold >= PROGRESS_BYTES || part.done) {
        tell(untold);
        untold = 0;
      }
      return part;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

const EMPTY: ByteReader = {
  read: async () => ({ done: true, value: undefined }),
  cancel: async () => {},
};

async function readBeginning(reader: ByteReader, head: Uint8Array[], maxBytes: number): Promise<string> {
  for (let bytes = 0; bytes <= maxBytes; ) {
    const { done, value } = await reader.read();
    if (done) return '';
    head.push(value);
    bytes += value.byteLength;
    const at = value.findIndex((byte) => !BEFORE_CONTENT.has(byte));
    if (at !== -1) return Buffer.from(value.subarray(at, at + LONGEST_FIELD_NAME)).toString('latin1');
  }
  void reader.cancel().catch(() => {});
  throw new NetworkError('body-too-large', true);
}

function formOf(begins: string, type: string): BodyForm {
  if (JSON_BEGINS.test(begins)) return 'json';
  return EVENTS_BEGIN.test(begins) ? 'events' : formByType(type);
}

function formByType(type: string): BodyForm {
  if (type === 'text/event-stream') return 'events';
  return type === 'application/json' ? 'json' : 'other';
}

function replaying(head: Uint8Array[], reader: ByteReader): ByteReader {
  return {
    read: async () => {
      const value = head.shift();
      return value === undefined ? reader.read() : { done: false, value };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}
