import type { FastifyInstance } from 'fastify';
import { MAX_NESTING, nestsDeeper } from '../contracts/nesting.ts';
import { findNumbersNotExact, type NumberProblem, numbersNotExact } from '../contracts/numbers-not-exact.ts';
import { type JsonLimits, JsonOverLimit } from '../turns/json-limits.ts';
import { readJson } from '../turns/read-json.ts';
import { createTurns } from '../turns/turns.ts';
import { type HttpProblem, invalidRequest, numbersNotExactAt } from './problem.ts';

/** Takes about a millisecond. */
const AT_ONCE_BELOW_CHARACTERS = 16 * 1024;
/** Its bytes are limited elsewhere. */
const LIMITS: JsonLimits = {
  nesting: MAX_NESTING,
  values: Number.POSITIVE_INFINITY,
  members: Number.POSITIVE_INFINITY,
  keyLength: Number.POSITIVE_INFINITY,
  numberLength: Number.POSITIVE_INFINITY,
};
/** What a key that reaches a prototype may be written with: its word, or escapes of letters, which nothing else needs. */
const MAY_REACH_A_PROTOTYPE = /__proto__|prototype|\\u00[4-7]/i;

/**
 * The one content type is JSON. An empty body is none: clients that send the content type with everything
 * may still DELETE. Keys that would reach a prototype (`__proto__`, `constructor.prototype`) are refused, and
 * numbers that JavaScript would round: a long id must not reach a tool, or an approver, as another one.
 *
 * Large bodies are read in steps and turns, with everything else that waits for the event loop in between.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  const turns = createTurns();
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
    if (body.length < AT_ONCE_BELOW_CHARACTERS) return parse();
    turns.take(readLarge(body)).then((read) => {
      // Looked at once more, and refused as a small one is.
      if (read.kind === 'unread') parse();
      else if (read.kind === 'refused') done(read.problem);
      else done(null, read.value);
    }, done);
  });
}

type LargeBody =
  | { kind: 'read'; value: unknown }
  | { kind: 'refused'; problem: HttpProblem }
  | { kind: 'unread' };

function* readLarge(body: string): Generator<void, LargeBody> {
  if (MAY_REACH_A_PROTOTYPE.test(body)) return { kind: 'unread' };
  try {
    const value = yield* readJson(body, LIMITS);
    const problem = problemOfNumbers(yield* findNumbersNotExact(body));
    return problem === undefined ? { kind: 'read', value } : { kind: 'refused', problem };
  } catch (error) {
    // An empty list counts as a level here, and not below: whatever is deeper than that needs no second look.
    if (error instanceof JsonOverLimit && (yield* isDeeper(body))) return refusedAsTooDeep();
    if (error instanceof JsonOverLimit || error instanceof SyntaxError) return { kind: 'unread' };
    throw error;
  }
}

function* isDeeper(body: string): Generator<void, boolean> {
  try {
    yield* readJson(body, { ...LIMITS, nesting: MAX_NESTING + 1 });
    return false;
  } catch (error) {
    return error instanceof JsonOverLimit;
  }
}

function refusedAsTooDeep(): LargeBody {
  return { kind: 'refused', problem: nestsTooDeeply() };
}

function problemOfBody(body: string, value: unknown): HttpProblem | undefined {
  return nestsDeeper(value) ? nestsTooDeeply() : problemOfNumbers(numbersNotExact(body));
}

function nestsTooDeeply(): HttpProblem {
  return invalidRequest(`The body nests deeper than ${MAX_NESTING} levels.`);
}

function problemOfNumbers(inexact: NumberProblem[]): HttpProblem | undefined {
  return inexact.length > 0 ? numbersNotExactAt(inexact) : undefined;
}
