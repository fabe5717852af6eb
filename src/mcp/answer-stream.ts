import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { NetworkError, type NetworkErrorCode } from '../net/network.ts';
import type { AnswerSource } from './answer-source.ts';
import type { ByteReader } from './body-reader.ts';
import { ServerFloods, StreamEnded, UnusableAnswer } from './classify-failure.ts';
import { cutOff, drain } from './drain.ts';
import { mediaType } from './media-type.ts';
import { type Delivery, deliverBeside, messageDelivery } from './message-delivery.ts';
import { readMessages } from './read-messages.ts';
import type { RpcAnswer } from './rpc-answer.ts';

/** So many resumptions in a row may bring nothing new. */
const MAX_BARREN_RESUMPTIONS = 5;
/** Where the server does not say how long to wait before resuming. The longest and shortest wait, ms. */
const DEFAULT_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
const SHORTEST_RETRY_MS = 50;

/** RFC 9110 §5.5: an id that no header can carry cannot be resumed from, nor one that fills a server's head. */
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]{1,4096}$/;

/** A connection that went away, after which the stream may be resumed. */
const BROKEN = new Set<NetworkErrorCode>(['reset', 'body-timeout']);

/** Where one request's event stream stands, over all the connections that it took. */
interface Cursor {
  lastEventId?: string;
  retryMs: number;
  /** Resumptions since the last event with an id. */
  barren: number;
  /** A message came that is not JSON: perhaps the answer. */
  malformed: boolean;
  /** Over all parts: bytes, events with blank ones and comments, and messages beside the answer. */
  bytes: number;
  events: number;
  deliver: Delivery;
}

type PartEnd =
  | { kind: 'answer'; answer: RpcAnswer }
  | { kind: 'ended' }
  | { kind: 'broken'; error: NetworkError };

/**
 * The response in an event stream, resumed as often as the server's event ids allow. The SDK would leave a
 * request waiting whose stream ends, and forget the last event id on a second resumption.
 *
 * @throws StreamEnded, UnusableAnswer, or the NetworkError that broke a stream which cannot be resumed.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery
 */
export async function readAnswerStream(first: ByteReader, source: AnswerSource): Promise<RpcAnswer> {
  const cursor: Cursor = {
    retryMs: DEFAULT_RETRY_MS,
    barren: 0,
    malformed: false,
    bytes: 0,
    events: 0,
    deliver: messageDelivery(source),
  };
  for (let part: ByteReader | undefined = first; ; ) {
    const end = await readPart(part, source, cursor);
    if (end.kind === 'answer') return end.answer;
    part = await resume(source, cursor);
    if (part === undefined) throw unfinished(end, cursor);
  }
}

async function readPart(reader: ByteReader, source: AnswerSource, cursor: Cursor): Promise<PartEnd> {
  const events = createEvents(source, cursor);
  try {
    const answer = (await readEvents(reader, events, byteCount(source, cursor))) ?? (await events.end());
    if (answer === undefined) return { kind: 'ended' };
    drain(reader);
    return { kind: 'answer', answer };
  } catch (error) {
    cutOff(reader);
    if (!(error instanceof NetworkError) || !BROKEN.has(error.code)) throw error;
    const answer = await events.end();
    return answer === undefined ? { kind: 'broken', error } : { kind: 'answer', answer };
  }
}

// A server that lets its stream be resumed again and again gets no more by that.
function byteCount({ maxBytes, limits }: AnswerSource, cursor: Cursor): (chunk: Uint8Array) => void {
  return ({ byteLength }) => {
    cursor.bytes += byteLength;
    if (cursor.bytes > maxBytes + limits.streamAllowanceBytes) throw new NetworkError('body-too-large', true);
  };
}

async function readEvents(
  reader: ByteReader,
  events: Events,
  count: (chunk: Uint8Array) => void,
): Promise<RpcAnswer | undefined> {
  // Takes a byte order mark away.
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    count(value);
    const answer = await events.feed(decoder.decode(value, { stream: true }));
    if (answer !== undefined) return answer;
  }
}

/** Each says the answer once it is known. */
interface Events {
  feed(text: string): Promise<RpcAnswer | undefined>;
  /**
   * No more text comes. An event that lacks its blank line is dropped by the rules of event streams, but a
   * server may end its stream so, and what is complete JSON is the whole answer.
   */
  end(): Promise<RpcAnswer | undefined>;
}

function createEvents(source: AnswerSource, cursor: Cursor): Events {
  const pending: EventSourceMessage[] = [];
  const countEvent = () => {
    cursor.events += 1;
    if (cursor.events > source.limits.eventsPerRequest) throw new ServerFloods('events');
  };
  const parser = createParser({
    maxBufferSize: source.maxBytes,
    onComment: countEvent,
    onEvent: (event) => {
      countEvent();
      pending.push(event);
    },
    onRetry: (ms) => {
      cursor.retryMs = ms;
    },
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw new NetworkError('body-too-large', true);
    },
  });
  const unify = lineEndings();
  const answerIn = async (
    text: string,
    take: (event: EventSourceMessage) => Promise<RpcAnswer | undefined>,
  ): Promise<RpcAnswer | undefined> => {
    parser.feed(unify(text));
    for (const event of pending.splice(0)) {
      const answer = await take(event);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  return {
    feed: (text) => answerIn(text, (event) => takeEvent(event, source, cursor)),
    end: () => answerIn('\n\n', async ({ data }) => (await readMessages(data, source)).answer),
  };
}

// The parser takes a CR at the end of a chunk for half of a CRLF, and waits for the next one: the answer of a server
// that ends its lines with CR would wait with it.
function lineEndings(): (text: string) => string {
  let afterCr = false;
  return (text) => {
    if (text === '') return text;
    const rest = afterCr && text.startsWith('\n') ? text.slice(1) : text;
    afterCr = text.endsWith('\r');
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest;
  };
}

/** The answer, if the event holds it; the other messages in it are delivered. */
async function takeEvent(
  event: EventSourceMessage,
  source: AnswerSource,
  cursor: Cursor,
): Promise<RpcAnswer | undefined> {
  if (event.id !== undefined && FIELD_VALUE.test(event.id)) {
    cursor.lastEventId = event.id;
    cursor.barren = 0;
  }
  // An event without data primes the resumption, and says nothing.
  if (event.data === '') return undefined;
  if (Buffer.byteLength(event.data) > source.maxBytes) throw new NetworkError('body-too-large', true);
  const { parsed, answer } = await readMessages(event.data, source);
  // An event of another name is read for nothing but the answer.
  if (event.event !== undefined && event.event !== 'message') return answer;
  if (parsed === undefined) cursor.malformed = true;
  await deliverBeside(answer, cursor.deliver(parsed), source);
  return answer;
}

/** The stream's next part, or undefined when there will be none. */
async function resume(source: AnswerSource, cursor: Cursor): Promise<ByteReader | undefined> {
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
): Promise<ByteReader | 'refused' | 'failed'> {
  try {
    const response = await source.resume(lastEventId);
    const isStream = response.ok && mediaType(response) === 'text/event-stream';
    if (isStream && response.body !== null) return response.body.getReader();
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
