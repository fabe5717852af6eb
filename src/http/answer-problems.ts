import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type HttpProblem, notFound, problemDocument } from './problem.ts';
import { problemOfError } from './problem-of-error.ts';

/** Makes every error and every unknown address of the app a problem document. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => answerError(notFound(), request, reply));
  // Before the body is parsed: what is wrong with it does not matter where nothing reads it.
  app.addHook('preParsing', async (request) => {
    if (request.is404) throw notFound();
  });
}

/** Answers an error as a problem document. RFC 9457. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOfError(error);
  logProblem(problem, request);
  const document = { ...problemDocument(problem), instance: `urn:uuid:${request.id}` };
  // As bytes: to text Fastify would add a charset, which this media type does not have.
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(document)));
}

function logProblem(problem: HttpProblem, request: FastifyRequest): void {
  if (problem.status === 500) request.log.error({ err: problem.cause }, 'request failed');
  else if (problem.cause !== undefined)
    request.log.warn({ err: problem.cause, code: problem.code }, 'unavailable');
}
