import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { findCaller } from '../caller.ts';
import type { HttpOptions } from '../dependencies.ts';
import { tooManyRequests } from '../problem.ts';

/** Users and addresses that are counted. Beyond this number, the counts of the least recent ones are dropped. */
const MAX_KEYS = 50_000;
/** A subscriber usually has a whole /64, so it counts as one address. */
const IPV6_SUBNET = 64;

export type LimitRate = (request: FastifyRequest) => Promise<void>;

export function registerRateLimit(app: FastifyInstance): void {
  app.register(rateLimit, { global: false, cache: MAX_KEYS });
}

/** Requests a minute. */
export interface Limits {
  perUser: number;
  perAddress: number;
}

const DEFAULT_REQUESTS_PER_MINUTE = 6_000;

export function limitsOf({
  requestsPerMinute: perUser = DEFAULT_REQUESTS_PER_MINUTE,
  addressRequestsPerMinute: perAddress = perUser,
}: HttpOptions): Limits {
  return { perUser, perAddress };
}

/** Counts by the user of a valid token, else by address. Users may share an address, and a user may have several. */
export function createRateLimiter(app: FastifyInstance, { perUser, perAddress }: Limits): LimitRate {
  const max = (request: FastifyRequest) => (findCaller(request) === undefined ? perAddress : perUser);
  const count = app.createRateLimit({ max, timeWindow: 60_000, keyGenerator: keyOf });
  return async (request) => assertWithin(await count(request));
}

export type LimitKeys = (request: FastifyRequest, keys: readonly string[]) => Promise<void>;

/** Counts a request for each of these keys, which the route knows only after it has read something. */
export function createKeyLimiter(app: FastifyInstance, requestsPerMinute: number): LimitKeys {
  const keyFor = new WeakMap<FastifyRequest, string>();
  const keyGenerator = (request: FastifyRequest) => keyFor.get(request) ?? '';
  const count = app.createRateLimit({ max: requestsPerMinute, timeWindow: 60_000, keyGenerator });
  return async (request, keys) => {
    for (const key of keys) {
      keyFor.set(request, key);
      assertWithin(await count(request));
    }
  };
}

function assertWithin(counted: Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>): void {
  if (!counted.isAllowed && counted.isExceeded) throw tooManyRequests('Too many requests.', counted.ttl);
}

function keyOf(request: FastifyRequest): string {
  const caller = findCaller(request);
  return caller ? `user:${caller.userId}` : `address:${normalizeIP(request.ip, IPV6_SUBNET)}`;
}
