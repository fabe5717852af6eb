import type { FastifyInstance } from 'fastify';
import { invalidRequest } from './problem.ts';

/** Deeper values overflow the stack of whoever writes them as JSON again. */
const MAX_DEPTH = 100;

/**
 * The one content type is JSON. An empty body is none: clients that send the content type with everything
 * may still DELETE. Keys that would reach a prototype (`__proto__`, `constructor.prototype`) are refused.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    parseJson(request, body, (error, value) => {
      if (error === null && nestsDeeper(value, MAX_DEPTH)) {
        done(invalidRequest(`The body nests deeper than ${MAX_DEPTH} levels.`));
      } else done(error, value);
    });
  });
}

function nestsDeeper(value: unknown, limit: number): boolean {
  let level = [value];
  for (let depth = 0; depth <= limit && level.length > 0; depth++) {
    level = level.flatMap((entry) =>
      typeof entry === 'object' && entry !== null ? Object.values(entry) : [],
    );
  }
  return level.length > 0;
}
