import { NetworkError } from '../../net/network.ts';

/** A body that can be read once. `cancel` also closes its connection. */
export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

/** MCP allows `json` and `events` for an answer. */
export type BodyForm = 'json' | 'events' | 'other';

/** JSON's whitespace, and the three bytes of a byte order mark. */
const BEFORE_CONTENT = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
const JSON_BEGINNING = /^[{[]/;
const EVENTS_BEGINNING = /^(?:data|event|id|retry)?:/;
const MAX_FIELD_NAME_LENGTH = 8;

/**
 * Returns a body and its form. The first bytes decide, because some servers send a wrong media type or none. The media
 * type decides if the first bytes fit neither form.
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
  const beginning = await readBeginning(reader, head, maxBytes);
  return { form: formOf(beginning, type), reader: replaying(head, reader) };
}

/** The fewest bytes that count as progress, so that a server can't keep a call alive with a byte now and then. */
const MIN_PROGRESS_BYTES = 16 * 1024;

/** Returns the same body, and calls `report` whenever enough bytes for progress have arrived. */
export function reportingProgress(reader: ByteReader, report: (() => void) | undefined): ByteReader {
  if (report === undefined) return reader;
  let unreported = 0;
  return {
    async read() {
      const part = await reader.read();
      unreported += part.value?.byteLength ?? 0;
      if (unreported >= MIN_PROGRESS_BYTES) {
        report();
        unreported = 0;
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
    if (at !== -1) return Buffer.from(value.subarray(at, at + MAX_FIELD_NAME_LENGTH)).toString('latin1');
  }
  void reader.cancel().catch(() => {});
  throw new NetworkError('body-too-large', true);
}

function formOf(beginning: string, type: string): BodyForm {
  if (JSON_BEGINNING.test(beginning)) return 'json';
  return EVENTS_BEGINNING.test(beginning) ? 'events' : formByType(type);
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

/** Returns an answer's media type in lower case, without parameters; empty if it has none. RFC 9110 §8.3.1. */
export function mediaType(response: Response): string {
  const [essence = ''] = (response.headers.get('content-type') ?? '').split(';');
  return essence.trim().toLowerCase();
}
