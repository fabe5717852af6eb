import { setTimeout as delay } from 'node:timers/promises';
import { type AnswerHead, Exchange, type ExchangeRules } from './exchange.ts';
import { NetworkError } from './network.ts';

export type ExchangeLimits = Omit<ExchangeRules, 'onHead' | 'onFailure' | 'onOver'>;

export interface RunningExchanges {
  /** @throws NetworkError the exchange's failure; `aborted` once `finish` was called. */
  start(limits: ExchangeLimits, send: (exchange: Exchange) => void): Promise<AnswerHead>;
  /** Starts no more; resolves when all are over, after `graceMs` by aborting them. */
  finish(graceMs: number): Promise<void>;
}

/** Which exchanges are under way, so that closing can wait for them and end them. */
export function createRunningExchanges(): RunningExchanges {
  const running = new Set<Exchange>();
  let finishing: (() => void) | undefined;
  return {
    start: (limits, send) =>
      new Promise((onHead, onFailure) => {
        if (finishing || limits.signal?.aborted) throw aborted(limits.signal);
        const onOver = () => {
          running.delete(exchange);
          if (running.size === 0) finishing?.();
        };
        const exchange = new Exchange({ ...limits, onHead, onFailure, onOver });
        running.add(exchange);
        send(exchange);
      }),
    async finish(graceMs) {
      const allOver = new Promise<void>((resolve) => {
        finishing = resolve;
      });
      if (running.size > 0) await Promise.race([allOver, delay(graceMs, undefined, { ref: false })]);
      for (const exchange of running) exchange.abort();
    },
  };
}

function aborted(signal: AbortSignal | undefined): NetworkError {
  return new NetworkError('aborted', false, { cause: signal?.reason });
}
