import type { FastifyInstance } from 'fastify';
import { MAX_NESTING, nestsDeeper } from '../contracts/nesting.ts';
import { invalidRequest } from './problem.ts';

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
      if (error === null && nestsDeeper(value)) {
        done(invalidRequest(`The body nests deeper than ${MAX_NESTING} levels.`));
      } else done(error, value);
    });
  });
}
