import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface ReadEvent {
  name: string;
  id: string | undefined;
  data: unknown;
}

export interface EventReader {
  response: IncomingMessage;
  /** Resolves to the next event; undefined: the stream has ended. */
  next(): Promise<ReadEvent | undefined>;
  /** The text so far, with comments. */
  text(): string;
  close(): void;
}

/** Opens a stream of server-sent events, on a connection of its own. */
export async function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const asking = request(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } });
  asking.end();
  // The cast trusts the signature of the event.
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]();
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  let text = '';
  return {
    response,
    async next() {
      while (events.length === 0) {
        const { done, value } = await chunks.next();
        if (done) return undefined;
        text += value;
        parser.feed(value);
      }
      const event = events.shift();
      return event && { name: event.event ?? '', id: event.id, data: JSON.parse(event.data) };
    },
    text: () => text,
    close: () => asking.destroy(),
  };
}
