import { backoffMs } from '../../contracts/backoff.ts';
import { NetworkError, type NetworkErrorCode } from '../../net/network.ts';
import type { AnswerSource } from './answer-source.ts';
import { type ByteReader, mediaType, reportingProgress } from './body-reader.ts';
import { abortBody, discardBody } from './discard-body.ts';
import { StreamEnded, UnusableAnswer } from './failures.ts';
import type { RpcAnswer } from './rpc-answer.ts';
import { createStreamEvents, type StreamCursor, type StreamEvents, streamStart } from './stream-events.ts';

/** Resumptions in a row that may bring no new event. */
const MAX_BARREN_RESUMPTIONS = 5;
/** The limits of the wait before a resumption. */
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 30_000;

/** Errors of a lost connection, after which the stream may be resumed. */
const LOST_CONNECTION = new Set<NetworkErrorCode>(['reset', 'body-timeout']);

type PartEnd =
  | { kind: 'answer'; answer: RpcAnswer }
  | { kind: 'ended' }
  | { kind: 'broken'; error: NetworkError };

/**
 * Reads the response from an event stream, and resumes the stream as often as the server's event ids allow. The SDK's
 * own reader is not used: it never settles a request whose stream ends, and forgets the last event id on a second
 * resumption.
 *
 * @throws StreamEnded, UnusableAnswer, or the NetworkError of a stream that broke and can't be resumed
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery
 */
export async function readAnswerStream(first: ByteReader, source: AnswerSource): Promise<RpcAnswer> {
  const cursor = streamStart(source);
  for (let part: ByteReader | undefined = first; ; ) {
    const end = await readPart(part, source, cursor);
    if (end.kind === 'answer') return end.answer;
    part = await resume(source, cursor);
    if (part === undefined) throw unfinished(end, cursor);
  }
}

async function readPart(reader: ByteReader, source: AnswerSource, cursor: StreamCursor): Promise<PartEnd> {
  const events = createStreamEvents(source, cursor);
  try {
    const answer = (await readEvents(reader, { events, source, cursor })) ?? (await events.end());
    if (answer === undefined) return { kind: 'ended' };
    discardBody(reader);
    return { kind: 'answer', answer };
  } catch (error) {
    abortBody(reader);
    if (!(error instanceof NetworkError) || !LOST_CONNECTION.has(error.code)) throw error;
    const answer = await events.end();
    return answer === undefined ? { kind: 'broken', error } : { kind: 'answer', answer };
  }
}

// Counts over all parts, so that resuming the stream does not give a server more bytes.
function byteCounter({ maxBytes, limits }: AnswerSource, cursor: StreamCursor): (chunk: Uint8Array) => void {
  return ({ byteLength }) => {
    cursor.bytes += byteLength;
    if (cursor.bytes > maxBytes + limits.streamAllowanceBytes) throw new NetworkError('body-too-large', true);
  };
}

interface Reading {
  events: StreamEvents;
  source: AnswerSource;
  cursor: StreamCursor;
}

async function readEvents(
  reader: ByteReader,
  { events, source, cursor }: Reading,
): Promise<RpcAnswer | undefined> {
  const count = byteCounter(source, cursor);
  const held = heldBytes(source);
  // Removes a byte order mark.
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) held.set(0);
    if (done) return undefined;
    count(value);
    held.set(held.bytes() + value.byteLength);
    const { messages } = cursor;
    const answer = await events.feed(decoder.decode(value, { stream: true }));
    if (answer !== undefined) return answer;
    // The bytes before this chunk belonged to messages that are not the answer, and are not kept.
    if (cursor.messages > messages) held.set(value.byteLength);
  }
}

/** Reports the bytes of the message that is arriving. Not more than an answer may have: comments are not kept. */
function heldBytes({ maxBytes, held }: AnswerSource) {
  let reported = 0;
  return {
    bytes: () => reported,
    set(bytes: number): void {
      const now = Math.min(bytes, maxBytes);
      held?.(now - reported);
      reported = now;
    },
  };
}

/** Returns the stream's next part. Undefined if the stream can't be resumed. */
async function resume(source: AnswerSource, cursor: StreamCursor): Promise<ByteReader | undefined> {
  while (cursor.lastEventId !== undefined && !cursor.malformed && cursor.barren < MAX_BARREN_RESUMPTIONS) {
    await source.pause(waitBeforeResumptionMs(cursor));
    cursor.barren += 1;
    const attempt = await tryResume(source, cursor.lastEventId);
    if (attempt === 'refused') return undefined;
    if (attempt !== 'failed') return attempt;
  }
  return undefined;
}

// The refusal of a resumption says nothing about the request itself. After a 401 here the call must not be repeated
// with a renewed token.
async function tryResume(
  source: AnswerSource,
  lastEventId: string,
): Promise<ByteReader | 'refused' | 'failed'> {
  try {
    const response = await source.resume(lastEventId);
    const isStream = response.ok && mediaType(response) === 'text/event-stream';
    if (isStream && response.body !== null) {
      return reportingProgress(response.body.getReader(), source.alive);
    }
    discardBody(response.body?.getReader());
    return response.status === 429 || response.status >= 500 ? 'failed' : 'refused';
  } catch (error) {
    if (error instanceof NetworkError && error.code !== 'aborted') return 'failed';
    throw error;
  }
}

function waitBeforeResumptionMs({ retryMs, barren }: StreamCursor): number {
  return backoffMs({ firstMs: Math.max(retryMs, MIN_RETRY_MS), maxMs: MAX_RETRY_MS, factor: 1.5 }, barren);
}

function unfinished(end: Exclude<PartEnd, { kind: 'answer' }>, cursor: StreamCursor): Error {
  if (cursor.malformed) return new UnusableAnswer('an event that is not JSON');
  const resumed = cursor.lastEventId !== undefined;
  return end.kind === 'broken' && !resumed ? end.error : new StreamEnded();
}
