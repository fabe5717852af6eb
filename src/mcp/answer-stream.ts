import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { NetworkError } from '../net/network.ts';
import type { AnswerSource } from './answer-source.ts';
import { StreamEnded, UnusableAnswer } from './classify-failure.ts';
import { cutOff, drain } from './drain.ts';
import { mediaType } from './media-type.ts';
import { answersRequest } from './rpc-message.ts';

/** So many resumptions in a row may bring nothing new. */
const MAX_BARREN_RESUMPTIONS = 5;
/** Where the server does not say how long to wait before resuming. The longest and shortest wait, ms. */
const DEFAULT_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
const SHORTEST_RETRY_MS = 50;

/** RFC 9110 §5.5: an id that no header can carry cannot be resumed from. */
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]+$/;

/** Where one request's event stream stands, over all the connections that it took. */
interface Cursor {
  lastEventId?: string;
  retryMs: number;
  /** Resumptions since the last event with an id. */
  barren: number;
  /** A message came that is not JSON: perhaps the answer. */
  malformed: boolean;
}

type PartEnd = { kind: 'answer'; text: string } | { kind: 'ended' } | { kind: 'broken'; error: NetworkError };

/**
 * The response in an event stream, resumed as often as the server's event ids allow. The SDK would leave a
 * request waiting whose stream ends, and forget the last event id on a second resumption.
 *
 * @throws StreamEnded, UnusableAnswer, or the NetworkError that broke a stream which cannot be resumed.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery
 */
export async function readAnswerStream(first: Response, source: AnswerSource): Promise<string> {
  const cursor: Cursor = { retryMs: DEFAULT_RETRY_MS, barren: 0, malformed: false };
  for (let part = first; ; ) {
    const end = await readPart(part, source, cursor);
    if (end.kind === 'answer') return end.text;
    const next = await resume(source, cursor);
    if (next === undefined) throw unfinished(end, cursor);
    part = next;
  }
}

async function readPart(part: Response, source: AnswerSource, cursor: Cursor): Promise<PartEnd> {
  if (part.body === null) return { kind: 'ended' };
  const reader: ReadableStreamDefaultReader<Uint8Array> = part.body.getReader();
  try {
    const text = await readEvents(reader, source, cursor);
    if (text === undefined) return { kind: 'ended' };
    drain(reader);
    return { kind: 'answer', text };
  } catch (error) {
    cutOff(reader);
    if (error instanceof NetworkError && (error.code === 'reset' || error.code === 'body-timeout')) {
      return { kind: 'broken', error };
    }
    throw error;
  }
}

async function readEvents(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  source: AnswerSource,
  cursor: Cursor,
): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let answer: string | undefined;
  const parser = eventParser(source.maxBytes, cursor, (event) => {
    if (answer === undefined && takeEvent(event, source, cursor)) answer = event.data;
  });
  while (answer === undefined) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    parser.feed(decoder.decode(value, { stream: true }));
  }
  return answer;
}

function eventParser(
  maxBytes: number,
  cursor: Cursor,
  onEvent: (event: EventSourceMessage) => void,
): EventSourceParser {
  return createParser({
    maxBufferSize: maxBytes,
    onEvent,
    onRetry: (ms) => {
      cursor.retryMs = ms;
    },
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw new NetworkError('body-too-large', true);
    },
  });
}

/** Whether the event is the answer; anything else it holds is delivered. */
function takeEvent(event: EventSourceMessage, source: AnswerSource, cursor: Cursor): boolean {
  if (event.id !== undefined && FIELD_VALUE.test(event.id)) {
    cursor.lastEventId = event.id;
    cursor.barren = 0;
  }
  // An event without data primes the resumption, and says nothing.
  if (event.data === '' || (event.event !== undefined && event.event !== 'message')) return false;
  if (Buffer.byteLength(event.data) > source.maxBytes) throw new NetworkError('body-too-large', true);
  const message = parseMessage(event.data);
  if (answersRequest(message, source.requestId)) return true;
  if (message === undefined) cursor.malformed = true;
  else source.deliver(message);
  return false;
}

function parseMessage(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** The stream's next part, or undefined when there will be none. */
async function resume(source: AnswerSource, cursor: Cursor): Promise<Response | undefined> {
  while (cursor.lastEventId !== undefined && !cursor.malformed && cursor.barren < MAX_BARREN_RESUMPTIONS) {
    await source.pause(pauseMs(cursor));
    cursor.barren += 1;
    const attempt = await tryResume(source, cursor.lastEventId);
    if (attempt === 'refused') return undefined;
    if (attempt !== 'failed') return attempt;
  }
  return undefined;
}

// A refused resumption says nothing of the request itself: a 401 here is no reason to renew and call again.
async function tryResume(
  source: AnswerSource,
  lastEventId: string,
): Promise<Response | 'refused' | 'failed'> {
  try {
    const response = await source.resume(lastEventId);
    if (response.ok && mediaType(response) === 'text/event-stream') return response;
    drain(response.body?.getReader());
    return response.status === 429 || response.status >= 500 ? 'failed' : 'refused';
  } catch (error) {
    if (error instanceof NetworkError && error.code !== 'aborted') return 'failed';
    throw error;
  }
}

function pauseMs({ retryMs, barren }: Cursor): number {
  return Math.min(Math.max(retryMs, SHORTEST_RETRY_MS) * 1.5 ** barren, LONGEST_RETRY_MS);
}

function unfinished(end: Exclude<PartEnd, { kind: 'answer' }>, cursor: Cursor): Error {
  if (cursor.malformed) return new UnusableAnswer('an event that is not JSON');
  const resumed = cursor.lastEventId !== undefined;
  return end.kind === 'broken' && !resumed ? end.error : new StreamEnded();
}
