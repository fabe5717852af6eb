import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { NetworkError, type NetworkErrorCode } from './network.ts';
import { networkFailure } from './network-failure.ts';

export interface AnswerHead {
  status: number;
  headers: IncomingHttpHeaders;
  /** Fails with a NetworkError. Destroying it closes the connection. */
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
  /** Before `onHead` the request has failed; after `onHead` its body has, with the same failure. */
  onFailure(failure: NetworkError): void;
  /** The answer was received to its end, or will not be. Called once. */
  onOver(): void;
}

/** The most answers of status 1xx before the final one. */
export const MAX_INTERIM_ANSWERS = 100;

/**
 * One request and its answer, as undici's dispatcher reports them. Records whether a byte was handed to the socket,
 * which "at most once" relies on.
 *
 * undici calls `onRequestStart` when the connection is open and this request is next on it. Unless that throws, undici
 * then writes before it does anything else (`writeH1`). undici reports nothing about a request that still waits for its
 * connection, and cannot abort it. Therefore the timer is here, and `onRequestStart` checks for an earlier end.
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
    this.#startTimer(rules.connectTimeoutMs, 'connect-timeout');
    rules.signal?.addEventListener('abort', this.abort);
  }

  readonly abort = (): void => {
    this.#end(new NetworkError('aborted', this.#sent, { cause: this.#rules.signal?.reason }));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // undici moves a request that it considers unwritten to the next connection. Here no request is sent twice.
    if (this.#sent) this.#end(new NetworkError('reset', true));
    if (!this.#over) this.#callBeforeFirstByte();
    if (this.#failure) throw this.#failure;
    this.#sent = true;
    this.#controller = controller;
    this.#startTimer(this.#rules.headersTimeoutMs, 'headers-timeout');
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

  #callBeforeFirstByte(): void {
    try {
      this.#rules.beforeFirstByte?.();
    } catch (cause) {
      this.#end(new NetworkError('vetoed', false, { cause }));
    }
  }

  // RFC 9110 §15.2 sets no limit, and the timeout for the final head may be long.
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
    // A body that fails before it is read must not end the process. Its reader still gets the failure.
    return body.on('error', () => {});
  }

  #startTimer(milliseconds: number, code: NetworkErrorCode): void {
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

/** The caller cancelled a body before its end. */
function abandoned(): NetworkError {
  return new NetworkError('aborted', true);
}
