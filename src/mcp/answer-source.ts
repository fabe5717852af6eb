import type { JsonLimits } from '../turns/json-limits.ts';
import type { Turns } from '../turns/turns.ts';
import type { RpcId } from './rpc-message.ts';
import type { ServerLimits } from './server-limits.ts';

/** What reading an answer needs of the request that it answers. */
export interface AnswerSource {
  requestId: RpcId;
  /** A response without an id is not taken for the answer. */
  ownIdOnly?: boolean;
  /** Bytes of the answer, at most. */
  maxBytes: number;
  limits: ServerLimits;
  /** Of one body or event. */
  json: JsonLimits;
  /** Numbers that JavaScript rounds are of interest. */
  tellsRounding: boolean;
  turns: Turns;
  /** Called whenever so many bytes have come, or some have been worked on: the call is not idle meanwhile. */
  alive?(bytes?: number): void;
  /** Takes what the server says before it answers: progress, log messages, requests of its own. */
  deliver(message: unknown): void;
  /** Asks for the rest of an event stream: a GET with `Last-Event-ID`, and its answer whatever it is. */
  resume(lastEventId: string): Promise<Response>;
  /** Waits so many milliseconds, or throws when nobody waits for the answer any more. */
  pause(ms: number): Promise<void>;
}
