import { AsyncLocalStorage } from 'node:async_hooks';
import { type Logger, withFields } from './logger.ts';

/** What every log line of a request carries. */
export interface RequestFields {
  requestId: string;
}

export interface RequestContext {
  /** Runs `work`, and everything that it begins, as a part of the request. */
  run<T>(fields: RequestFields, work: () => T): T;
  /** Returns a logger whose lines carry the fields of the request that they are written for. */
  loggerOf(logger: Logger): Logger;
}

/** Carries a request through the process, so that lines of code that knows no requests can be found by its id. */
export function createRequestContext(): RequestContext {
  const current = new AsyncLocalStorage<RequestFields>();
  return {
    run: (fields, work) => current.run(fields, work),
    loggerOf: (logger) => withFields(logger, () => current.getStore()),
  };
}
