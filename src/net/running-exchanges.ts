import { raceTimeout } from '../async/deadline.ts';
import { type AnswerHead, Exchange, type ExchangeRules } from './exchange.ts';
import { NetworkError } from './network.ts';

export type ExchangeLimits = Omit<ExchangeRules, 'onHead' | 'onFailure' | 'onOver'>;

export interface RunningExchanges {
  /** @throws NetworkError the exchange's failure, or `aborted` once `finish` was called */
  start(limits: ExchangeLimits, send: (exchange: Exchange) => void): Promise<AnswerHead>;
  /** Refuses new exchanges. Resolves when all are over; after `graceMs` they are aborted. */
  finish(graceMs: number): Promise<void>;
}

/** Keeps track of the running exchanges, so that closing can wait for them and abort them. */
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
      if (running.size > 0) await raceTimeout({ ms: graceMs, ref: false }, allOver, () => undefined);
      for (const exchange of running) exchange.abort();
    },
  };
}

function aborted(signal: AbortSignal | undefined): NetworkError {
  return new NetworkError('aborted', false, { cause: signal?.reason });
}
