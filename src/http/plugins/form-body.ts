import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { type HttpProblem, invalidRequest } from '../problem.ts';

const MAX_BYTES = 16 * 1024;

/**
 * Accepts forms (`application/x-www-form-urlencoded`) as the only content type of a scope. The body becomes an object
 * of texts. A field that is there twice is refused, because readers could disagree about its value.
 */
export function acceptFormsOnly(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: MAX_BYTES },
    (_request, bytes, done) => {
      const fields = isUtf8(bytes) ? [...new URLSearchParams(bytes.toString())] : undefined;
      if (fields === undefined) return done(unreadable());
      const body = Object.fromEntries(fields);
      if (Object.keys(body).length < fields.length) return done(unreadable());
      done(null, body);
    },
  );
}

function unreadable(): HttpProblem {
  return invalidRequest('The form is not valid UTF-8, or has a field twice.');
}
