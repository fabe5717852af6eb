import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { exceedsDepth, MAX_NESTING } from '../../contracts/json-size.ts';
import { numbersNotExact } from '../../contracts/number-problems.ts';
import { type HttpProblem, invalidRequest, numbersNotExactAt } from '../problem.ts';

/** Takes about a millisecond. */
const AT_ONCE_BELOW_CHARACTERS = 16 * 1024;

/**
 * The one content type is JSON. An empty body is none: clients that send the content type with everything
 * may still DELETE. Keys that would reach a prototype (`__proto__`, `constructor.prototype`) are refused, and
 * numbers that JavaScript would round: a long id must not reach a tool, or an approver, as another one.
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
    if (body.length < AT_ONCE_BELOW_CHARACTERS) parse();
    else void nextTurn().then(parse);
  });
}

/** One large body after the other, with everything else that waits for the event loop in between. */
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
