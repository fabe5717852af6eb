import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { NetworkError } from '../../net/network.ts';
import type { AnswerSource } from './answer-source.ts';
import { createLineFilter } from './event-stream-lines.ts';
import { ServerFloods } from './failures.ts';
import { type Delivery, deliverBeside, messageDelivery } from './message-delivery.ts';
import { readMessages } from './read-messages.ts';
import type { RpcAnswer } from './rpc-answer.ts';

/** The wait before a resumption, if the server does not name one. */
const DEFAULT_RETRY_MS = 1_000;

/** The characters that are parsed in one step: if each line costs the most, a few milliseconds. */
const SLICE_CHARACTERS = 4 * 1024;

/** RFC 9110 §5.5: an id that a header can't carry can't be resumed from. Nor can one that overfills a server's head. */
const FIELD_VALUE = /^[\x20-\x7e\x80-\xff]{1,4096}$/;

/** The state of one request's event stream, over all the connections that it has used. */
export interface StreamCursor {
  lastEventId?: string;
  retryMs: number;
  /** Resumptions since the last event with an id. */
  barren: number;
  /** A message arrived that is not JSON. It may have been the answer. */
  malformed: boolean;
  /** Bytes of all parts. */
  bytes: number;
  /** Events of all parts, including blank ones, comments and needless lines. */
  events: number;
  /** Events of all parts with data. */
  messages: number;
  deliver: Delivery;
}

export function streamStart(source: AnswerSource): StreamCursor {
  return {
    retryMs: DEFAULT_RETRY_MS,
    barren: 0,
    malformed: false,
    bytes: 0,
    events: 0,
    messages: 0,
    deliver: messageDelivery(source),
  };
}

/** Reads the events of one part of the stream. Both functions return the answer once it has arrived. */
export interface StreamEvents {
  feed(text: string): Promise<RpcAnswer | undefined>;
  /**
   * Ends the text. The rules of event streams drop a last event without its blank line, but servers end their streams
   * like this, so complete JSON counts as the answer.
   */
  end(): Promise<RpcAnswer | undefined>;
}

export function createStreamEvents(source: AnswerSource, cursor: StreamCursor): StreamEvents {
  const pending: EventSourceMessage[] = [];
  const parser = createEventParser(source, cursor, (event) => pending.push(event));
  const normalize = lineEndingNormalizer();
  const withoutUnknownLines = createLineFilter(() => {
    cursor.events += 1;
    if (cursor.events > source.limits.eventsPerRequest) throw new ServerFloods('events');
  });
  function* parse(slice: string): Generator<void, void> {
    parser.feed(withoutUnknownLines(slice));
    yield;
  }
  const answerIn = async (
    text: string,
    read: (event: EventSourceMessage) => Promise<RpcAnswer | undefined>,
  ): Promise<RpcAnswer | undefined> => {
    for (const slice of slicesOf(normalize(text))) {
      await source.turns.take(parse(slice));
      for (const event of pending.splice(0)) {
        const answer = await read(event);
        if (answer !== undefined) return answer;
      }
    }
    return undefined;
  };
  return {
    feed: (text) => answerIn(text, (event) => readEvent(event, source, cursor)),
    end: () => answerIn('\n\n', async ({ data }) => (await readMessages(data, source)).answer),
  };
}

function createEventParser(
  { maxBytes }: AnswerSource,
  cursor: StreamCursor,
  onEvent: (event: EventSourceMessage) => void,
): EventSourceParser {
  return createParser({
    maxBufferSize: maxBytes,
    onEvent: (event) => {
      cursor.messages += 1;
      onEvent(event);
    },
    onRetry: (ms) => {
      cursor.retryMs = ms;
    },
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw new NetworkError('body-too-large', true);
    },
  });
}

// The parser treats a CR at the end of a chunk as half of a CRLF and waits for the next chunk. If a server ends its
// lines with CR alone, its answer would wait too.
function lineEndingNormalizer(): (text: string) => string {
  let afterCr = false;
  return (text) => {
    if (text === '') return text;
    const rest = afterCr && text.startsWith('\n') ? text.slice(1) : text;
    afterCr = text.endsWith('\r');
    const lines = rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest;
    // Further blank lines have no effect.
    return lines.includes('\n\n\n') ? lines.replace(/\n{3,}/g, '\n\n') : lines;
  };
}

function* slicesOf(text: string): Generator<string, void> {
  for (let at = 0; at < text.length; at += SLICE_CHARACTERS) yield text.slice(at, at + SLICE_CHARACTERS);
}

/** Returns the answer if the event holds it. Delivers the other messages of the event. */
async function readEvent(
  event: EventSourceMessage,
  source: AnswerSource,
  cursor: StreamCursor,
): Promise<RpcAnswer | undefined> {
  if (event.id !== undefined && FIELD_VALUE.test(event.id)) {
    cursor.lastEventId = event.id;
    cursor.barren = 0;
  }
  // An event without data only gives the client an id to resume from.
  if (event.data === '') return undefined;
  if (Buffer.byteLength(event.data) > source.maxBytes) throw new NetworkError('body-too-large', true);
  const { parsed, answer } = await readMessages(event.data, source);
  // An event with another name is only searched for the answer.
  if (event.event !== undefined && event.event !== 'message') return answer;
  if (parsed === undefined) cursor.malformed = true;
  await deliverBeside(answer, cursor.deliver(parsed), source);
  return answer;
}
