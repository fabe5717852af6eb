import type { JsonLimits } from '../../turns/json-limits.ts';
import type { Turns } from '../../turns/turns.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { RpcId } from './rpc-message.ts';

/** What the readers of an answer need to know about its request. */
export interface AnswerSource {
  requestId: RpcId;
  /** Ignores responses without an id. */
  ownIdOnly?: boolean;
  /** The most bytes that the answer may have. */
  maxBytes: number;
  limits: ServerLimits;
  /** The limits of one body or event. */
  json: JsonLimits;
  /** Adds a warning to the answer for each number that JavaScript rounds. */
  reportsRounding: boolean;
  turns: Turns;
  /** Reports a sign of life: bytes have arrived, or the answer is being worked on. */
  alive?(): void;
  /** Reports by how many bytes the part of the answer that is held in memory has grown, or shrunk if negative. */
  held?(change: number): void;
  /** Receives the server's other messages: progress, log messages, requests. */
  deliver(message: unknown): void;
  /** Requests the rest of an event stream with a GET with `Last-Event-ID`. Returns the response with any status. */
  resume(lastEventId: string): Promise<Response>;
  /** Waits. Throws once the caller no longer waits for the answer. */
  pause(ms: number): Promise<void>;
}
