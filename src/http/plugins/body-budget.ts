import { pipeline, Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { findCaller } from '../caller.ts';
import { HttpProblem, retryAfter } from '../problem.ts';

const MIB = 1024 * 1024;
/** Of bodies that a process has received and not yet answered: what they become in memory is several times as much. */
const MAX_BYTES = 64 * MIB;
const MAX_BYTES_OF_A_CALLER = 16 * MIB;
const RETRY_AFTER_MS = 1_000;

export interface BodyBudget {
  maxBytes: number;
  maxBytesOfACaller: number;
}

/**
 * Refuses what would be too much at once, of one caller or in all. Bytes are counted as they arrive, so a slow or
 * announced body takes no room from others. Authentication comes before this.
 */
export function limitBodies(
  app: FastifyInstance,
  { maxBytes, maxBytesOfACaller }: BodyBudget = {
    maxBytes: MAX_BYTES,
    maxBytesOfACaller: MAX_BYTES_OF_A_CALLER,
  },
): void {
  const ofCallers = new Map<string, number>();
  let all = 0;
  const add = (caller: string, bytes: number) => {
    all += bytes;
    const own = (ofCallers.get(caller) ?? 0) + bytes;
    if (own === 0) ofCallers.delete(caller);
    else ofCallers.set(caller, own);
    return all <= maxBytes && own <= maxBytesOfACaller;
  };
  app.addHook('preParsing', async (request, reply, payload) => {
    const caller = callerKey(request);
    let received = 0;
    const release = () => {
      add(caller, -received);
      received = 0;
    };
    // Answered, or cut off before that. It is released once: there is nothing left the second time.
    reply.raw.once('finish', release).once('close', release);
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        if (add(caller, chunk.length)) done(null, chunk);
        else done(tooMuchAtOnce());
      },
    });
    // What breaks the one breaks the other, which Fastify hears.
    return pipeline(payload, counted, () => {});
  });
}

function callerKey(request: FastifyRequest): string {
  const caller = findCaller(request);
  return caller ? `user:${caller.userId}` : `address:${request.ip}`;
}

function tooMuchAtOnce(): HttpProblem {
  return new HttpProblem(429, 'too-many-requests', 'Too much is being sent at once.', {
    headers: retryAfter(RETRY_AFTER_MS),
  });
}
