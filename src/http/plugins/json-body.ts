import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { exceedsDepth, MAX_NESTING } from '../../contracts/json-size.ts';
import { numbersNotExact } from '../../contracts/number-problems.ts';
import { type HttpProblem, invalidRequest, numbersNotExactAt } from '../problem.ts';

/** A smaller body is parsed at once, which takes about a millisecond. */
const LARGE_BODY_CHARACTERS = 16 * 1024;

/**
 * Accepts JSON as the only content type. An empty body counts as no body, because some clients send the content type
 * with every request, also with DELETE. Refuses keys that would change a prototype (`__proto__`,
 * `constructor.prototype`). Refuses numbers that JavaScript would round, so that no tool or approver gets a different
 * id from the one that was sent.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  const nextTurn = createTurns();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    const parse = () =>
      parseJson(request, body, (error, value) => {
        const problem = error ?? problemOfBody(body, value);
        if (problem !== undefined) done(problem);
        else done(null, value);
      });
    if (body.length < LARGE_BODY_CHARACTERS) parse();
    else void nextTurn().then(parse);
  });
}

/** Lets one large body be parsed per turn of the event loop, so that other requests run in between. */
function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => setImmediate());
    return last;
  };
}

function problemOfBody(body: string, value: unknown): HttpProblem | undefined {
  if (exceedsDepth(value)) return invalidRequest(`The body nests deeper than ${MAX_NESTING} levels.`);
  const inexact = numbersNotExact(body);
  return inexact.length > 0 ? numbersNotExactAt(inexact) : undefined;
}
