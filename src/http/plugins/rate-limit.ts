import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { findCaller } from '../caller.ts';
import { HttpProblem, retryAfter } from '../problem.ts';

/** Users and addresses that are counted. Beyond this number, the counts of the least recent ones are dropped. */
const MAX_KEYS = 50_000;
/** A subscriber usually has a whole /64, so it counts as one address. */
const IPV6_SUBNET = 64;

export type LimitRate = (request: FastifyRequest) => Promise<void>;

export function registerRateLimit(app: FastifyInstance): void {
  app.register(rateLimit, { global: false, cache: MAX_KEYS });
}

/** Counts by the user of a valid token, else by address. Users may share an address, and a user may have several. */
export function createRateLimiter(app: FastifyInstance, requestsPerMinute: number): LimitRate {
  const count = app.createRateLimit({ max: requestsPerMinute, timeWindow: 60_000, keyGenerator: keyOf });
  return async (request) => {
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    throw new HttpProblem(429, 'too-many-requests', 'Too many requests.', {
      headers: retryAfter(counted.ttl),
    });
  };
}

function keyOf(request: FastifyRequest): string {
  const caller = findCaller(request);
  return caller ? `user:${caller.userId}` : `address:${normalizeIP(request.ip, IPV6_SUBNET)}`;
}
