import { pipeline, Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { findCaller } from '../caller.ts';
import { HttpProblem, retryAfter } from '../problem.ts';

const MIB = 1024 * 1024;
/** Limits on bodies of requests that are not answered yet. In memory, a parsed body takes several times its size. */
const MAX_BYTES = 64 * MIB;
const MAX_BYTES_PER_CALLER = 16 * MIB;
const RETRY_AFTER_MS = 1_000;

export interface BodyBudget {
  maxBytes: number;
  maxBytesPerCaller: number;
}

/**
 * Refuses bodies that would exceed the budget of their caller or of the process. Bytes are counted as they arrive, so
 * a slow body does not reserve budget that others could use. Runs after authentication.
 */
export function limitBodies(
  app: FastifyInstance,
  budget: BodyBudget = { maxBytes: MAX_BYTES, maxBytesPerCaller: MAX_BYTES_PER_CALLER },
): void {
  const add = createCounter(budget);
  app.addHook('preParsing', async (request, reply, payload) => {
    const caller = callerKey(request);
    let received = 0;
    const release = () => {
      add(caller, -received);
      received = 0;
    };
    // On `finish` or `close`, whichever comes first. The second call releases zero bytes.
    reply.raw.once('finish', release).once('close', release);
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        if (add(caller, chunk.length)) done(null, chunk);
        else done(overBudget());
      },
    });
    // An error in either stream destroys both, and Fastify handles it.
    return pipeline(payload, counted, () => {});
  });
}

/** Returns a function that adds bytes to a caller's count, and says whether they are within the budget. */
function createCounter({ maxBytes, maxBytesPerCaller }: BodyBudget) {
  const bytesByCaller = new Map<string, number>();
  let total = 0;
  return (caller: string, bytes: number): boolean => {
    total += bytes;
    const own = (bytesByCaller.get(caller) ?? 0) + bytes;
    if (own === 0) bytesByCaller.delete(caller);
    else bytesByCaller.set(caller, own);
    return total <= maxBytes && own <= maxBytesPerCaller;
  };
}

function callerKey(request: FastifyRequest): string {
  const caller = findCaller(request);
  return caller ? `user:${caller.userId}` : `address:${request.ip}`;
}

function overBudget(): HttpProblem {
  return new HttpProblem(429, 'too-many-requests', 'Too much is being sent at once.', {
    headers: retryAfter(RETRY_AFTER_MS),
  });
}
