import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type HttpProblem, notFound, problemDocument } from '../problem.ts';
import { problemOfError } from '../problem-of-error.ts';
import { instanceOf } from '../request-id.ts';
import { sendProblemPage, wantsPage } from './pages.ts';

/**
 * An outage affects every request, so each problem code is logged at most once a minute, and otherwise as `debug`.
 */
const WARN_INTERVAL_MS = 60_000;

/** Answers every error and every unknown address with a problem document, and errors of pages with a page. */
export function sendProblems(app: FastifyInstance): void {
  const warnedAt = new Map<string, number>();
  const isWarningDue = (code: string) => {
    const now = performance.now();
    const isDue = now - (warnedAt.get(code) ?? Number.NEGATIVE_INFINITY) >= WARN_INTERVAL_MS;
    if (isDue) warnedAt.set(code, now);
    return isDue;
  };
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOfError(error);
    logProblem(problem, request, isWarningDue);
    return wantsPage(request)
      ? sendProblemPage(problem, request, reply)
      : sendProblem(problem, request, reply);
  });
  // Runs before the body is parsed, so that a malformed body at an unknown address is a 404, too.
  app.addHook('preParsing', async (request) => {
    if (request.is404) throw notFound();
  });
}

/** Sends a problem document. RFC 9457. */
export function sendProblem(
  problem: HttpProblem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const document = { ...problemDocument(problem), instance: instanceOf(request.id) };
  // Sent as bytes, because Fastify would add a charset to text. This media type has no charset.
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(document)));
}

function logProblem(
  { status, cause, code }: HttpProblem,
  request: FastifyRequest,
  isWarningDue: (code: string) => boolean,
): void {
  if (status === 500) request.log.error({ err: cause }, 'request failed');
  else if (cause !== undefined)
    request.log[isWarningDue(code) ? 'warn' : 'debug']({ err: cause, code }, 'unavailable');
}
