import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type HttpProblem, notFound, problemDocument } from '../problem.ts';
import { problemOfError } from '../problem-of-error.ts';

/** An outage meets every request: it is told once a minute and code, in full at the level `debug`. */
const TOLD_AGAIN_AFTER_MS = 60_000;

/** Makes every error and every unknown address of the app a problem document. */
export function answerProblems(app: FastifyInstance): void {
  const toldAt = new Map<string, number>();
  const isToBeTold = (code: string) => {
    const now = performance.now();
    const isNew = now - (toldAt.get(code) ?? Number.NEGATIVE_INFINITY) >= TOLD_AGAIN_AFTER_MS;
    if (isNew) toldAt.set(code, now);
    return isNew;
  };
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOfError(error);
    logProblem(problem, request, isToBeTold);
    return answerProblem(problem, request, reply);
  });
  app.setNotFoundHandler((request, reply) => answerProblem(notFound(), request, reply));
  // Before the body is parsed: what is wrong with it does not matter where nothing reads it.
  app.addHook('preParsing', async (request) => {
    if (request.is404) throw notFound();
  });
}

/** Answers with a problem document. RFC 9457. */
export function answerProblem(
  problem: HttpProblem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const document = { ...problemDocument(problem), instance: `urn:uuid:${request.id}` };
  // As bytes: to text Fastify would add a charset, which this media type does not have.
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(document)));
}

function logProblem(
  { status, cause, code }: HttpProblem,
  request: FastifyRequest,
  isToBeTold: (code: string) => boolean,
): void {
  if (status === 500) request.log.error({ err: cause }, 'request failed');
  else if (cause !== undefined)
    request.log[isToBeTold(code) ? 'warn' : 'debug']({ err: cause, code }, 'unavailable');
}
