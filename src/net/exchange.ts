import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { NetworkError, type NetworkErrorCode } from './network.ts';
import { networkFailure } from './network-failure.ts';

export interface AnswerHead {
  status: number;
  headers: IncomingHttpHeaders;
  /** Fails with a NetworkError. Destroying it gives up the connection. */
  body: Readable;
}

export interface ExchangeRules {
  /** The request goes over TLS. */
  secure: boolean;
  connectTimeoutMs: number;
  headersTimeoutMs: number;
  beforeFirstByte: (() => void) | undefined;
  signal: AbortSignal | undefined;
  onHead(head: AnswerHead): void;
  /** Before `onHead` it is the request's failure; after it, the body has failed with the same. */
  onFailure(failure: NetworkError): void;
  /** The answer was received to its end, or never will be. Called once. */
  onOver(): void;
}

/** Answers of status 1xx before the head of the final one. */
export const MAX_INTERIM_ANSWERS = 100;

/**
 * One request and its answer, as undici's dispatcher reports them. Keeps the fact on which "at most once"
 * rests: whether a byte was handed to the socket.
 *
 * undici calls `onRequestStart` when the connection stands and this request is next on it; unless that
 * throws, it writes before doing anything else (`writeH1`). Of a request that still waits for its
 * connection it reports nothing and cannot abort it: hence the timer here, and the look back at the start.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #rules: ExchangeRules;
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: Readable | undefined;
  #sent = false;
  #interim = 0;
  #over = false;
  #failure: NetworkError | undefined;

  constructor(rules: ExchangeRules) {
    this.#rules = rules;
    this.#allow(rules.connectTimeoutMs, 'connect-timeout');
    rules.signal?.addEventListener('abort', this.abort);
  }

  readonly abort = (): void => {
    this.#end(new NetworkError('aborted', this.#sent, { cause: this.#rules.signal?.reason }));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // undici puts a request that it takes for unwritten on the next connection; none of ours goes twice.
    if (this.#sent) this.#end(new NetworkError('reset', true));
    if (!this.#over) this.#askBeforeFirstByte();
    if (this.#failure) throw this.#failure;
    this.#sent = true;
    this.#controller = controller;
    this.#allow(this.#rules.headersTimeoutMs, 'headers-timeout');
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) {
      this.#countInterim();
      return;
    }
    clearTimeout(this.#timer);
    this.#body = this.#createBody(controller);
    this.#rules.onHead({ status, headers, body: this.#body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#body?.push(null);
    this.#end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(networkFailure(error, { sent: this.#sent, secure: this.#rules.secure }));
  }

  #askBeforeFirstByte(): void {
    try {
      this.#rules.beforeFirstByte?.();
    } catch (cause) {
      this.#end(new NetworkError('vetoed', false, { cause }));
    }
  }

  // RFC 9110 §15.2 sets no limit, and the head of the answer may be waited for long.
  #countInterim(): void {
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM_ANSWERS) this.#end(new NetworkError('malformed-answer', this.#sent));
  }

  #createBody(controller: Dispatcher.DispatchController): Readable {
    const body = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (!this.#over) this.#end(networkFailure(error ?? abandoned(), { sent: true, secure: false }));
        done(error);
      },
    });
    // A body that fails before anyone reads it must not take the process down; its reader still sees it.
    return body.on('error', () => {});
  }

  #allow(milliseconds: number, code: NetworkErrorCode): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(new NetworkError(code, this.#sent)), milliseconds);
  }

  #end(failure?: NetworkError): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    clearTimeout(this.#timer);
    this.#rules.signal?.removeEventListener('abort', this.abort);
    this.#rules.onOver();
    if (failure === undefined) return;
    this.#rules.onFailure(failure);
    this.#body?.destroy(failure);
    this.#controller?.abort(failure);
  }
}

/** The caller let go of a body before its end. */
function abandoned(): NetworkError {
  return new NetworkError('aborted', true);
}
