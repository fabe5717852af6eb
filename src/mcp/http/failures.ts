import type { RpcAnswer } from './rpc-answer.ts';

/** The JSON-RPC error in the body of an HTTP refusal. */
export interface RefusalError {
  /** Undefined if the server gives no number. */
  code: number | undefined;
  data?: unknown;
}

/** The facts of an HTTP answer other than 2xx that classify it. */
export interface RefusalFacts {
  status: number;
  wwwAuthenticate: string | null;
  retryAfter: string | null;
  date: string | null;
  /** The request named an MCP session. */
  sessionNamed: boolean;
  /** The target of a redirect, without secrets, for the operator. */
  redirectsTo?: string;
  /** The JSON-RPC error in the body, if it was read. */
  error?: RefusalError;
  /** The JSON-RPC response to this request, if the body holds it. */
  answer?: RpcAnswer;
}

/** The server answered a request with an HTTP status other than 2xx. */
export class HttpRefusal extends Error {
  readonly facts: RefusalFacts;

  constructor(facts: RefusalFacts) {
    super(`the MCP server answered HTTP ${facts.status}`);
    this.name = 'HttpRefusal';
    this.facts = facts;
  }
}

/** A 2xx answer from which no JSON-RPC response to the request can be read. */
export class UnusableAnswer extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`the MCP server's answer is unusable: ${what}`, options);
    this.name = 'UnusableAnswer';
  }
}

/** The event stream ended before the response and could not be resumed. */
export class StreamEnded extends Error {
  constructor(options?: ErrorOptions) {
    super('the event stream ended without an answer', options);
    this.name = 'StreamEnded';
  }
}

/** The server sent more messages than a session or request may have; the connection was closed before the answer. */
export class ServerFloods extends Error {
  constructor(what: 'requests' | 'events' | 'messages') {
    super(`the MCP server sent too many ${what}`);
    this.name = 'ServerFloods';
  }
}
