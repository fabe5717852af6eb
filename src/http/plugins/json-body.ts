import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { exceedsDepth, MAX_NESTING } from '../../contracts/json-size.ts';
import { findNumbersNotExact, type NumberProblem, numbersNotExact } from '../../contracts/number-problems.ts';
import { type JsonLimits, JsonOverLimit } from '../../turns/json-limits.ts';
import { readJson } from '../../turns/read-json.ts';
import { createTurns } from '../../turns/turns.ts';
import { HttpProblem, invalidRequest, numbersNotExactAt } from '../problem.ts';

/** A smaller body is parsed at once, which takes about a millisecond. */
const LARGE_BODY_CHARACTERS = 16 * 1024;
/** Only the nesting is limited here: `body-budget.ts` limits the bytes. */
const LIMITS: JsonLimits = {
  nesting: MAX_NESTING,
  values: Number.POSITIVE_INFINITY,
  members: Number.POSITIVE_INFINITY,
  keyLength: Number.POSITIVE_INFINITY,
  numberLength: Number.POSITIVE_INFINITY,
};
/** Matches every text with a key that changes a prototype, even if the key is written with escapes. */
const MAY_CHANGE_A_PROTOTYPE = /__proto__|prototype|\\u00[4-7]/i;

/**
 * Accepts JSON in UTF-8 as the only content type. An empty body counts as no body, because some clients send the content type
 * with every request, also with DELETE. Refuses keys that would change a prototype (`__proto__`,
 * `constructor.prototype`). Refuses numbers that JavaScript would round, so that no tool or approver gets a different
 * id from the one that was sent.
 *
 * A large body is read in turns, and other requests run in between.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  const turns = createTurns();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    if (bytes.length === 0) return done(null, undefined);
    const unreadable = problemOfEncoding(bytes, request.headers['content-type']);
    if (unreadable !== undefined) return done(unreadable);
    const body = bytes.toString();
    const parse = () =>
      parseJson(request, body, (error, value) => {
        const problem = error ?? problemOfBody(body, value);
        if (problem !== undefined) done(problem);
        else done(null, value);
      });
    if (body.length < LARGE_BODY_CHARACTERS) return parse();
    turns.take(readLarge(body)).then((read) => {
      // Parsing it like a small body reports the right problem.
      if (read.kind === 'unread') parse();
      else if (read.kind === 'refused') done(read.problem);
      else done(null, read.value);
    }, done);
  });
}

const UTF_8 = ['utf-8', 'utf8', 'us-ascii'];

// RFC 8259 §8.1: JSON is UTF-8. A decoder would replace other bytes, so the tool would get another text than was sent.
function problemOfEncoding(bytes: Buffer, contentType = ''): HttpProblem | undefined {
  const charsets = [...contentType.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)].map(([, name = '']) => name);
  if (!charsets.every((name) => UTF_8.includes(name.toLowerCase()))) {
    return new HttpProblem(415, 'unsupported-media-type', 'The body must be in UTF-8.');
  }
  return isUtf8(bytes) ? undefined : invalidRequest('The body is not valid UTF-8.');
}

type LargeBody =
  | { kind: 'read'; value: unknown }
  | { kind: 'refused'; problem: HttpProblem }
  | { kind: 'unread' };

function* readLarge(body: string): Generator<void, LargeBody> {
  if (MAY_CHANGE_A_PROTOTYPE.test(body)) return { kind: 'unread' };
  try {
    const value = yield* readJson(body, LIMITS);
    const problem = problemOfNumbers(yield* findNumbersNotExact(body));
    return problem === undefined ? { kind: 'read', value } : { kind: 'refused', problem };
  } catch (error) {
    // This reader counts an empty list as a level, and `exceedsDepth` does not. So the body is too deep only if it also
    // exceeds one level more.
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
  return exceedsDepth(value) ? nestsTooDeeply() : problemOfNumbers(numbersNotExact(body));
}

function nestsTooDeeply(): HttpProblem {
  return invalidRequest(`The body nests deeper than ${MAX_NESTING} levels.`);
}

function problemOfNumbers(inexact: NumberProblem[]): HttpProblem | undefined {
  return inexact.length > 0 ? numbersNotExactAt(inexact) : undefined;
}
