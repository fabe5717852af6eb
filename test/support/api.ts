import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { Secret } from '../../src/config/load-config.ts';
import { createLogger } from '../../src/logging/logger.ts';
import type { Observed } from '../../src/process/observe.ts';
import { startServer } from '../../src/server.ts';
import type { World } from './world.ts';

export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** Latchkey's HTTP API over a world, for real. */
export interface TestApi {
  url: string;
  tokenOf(userId: string, scope?: string): Promise<string>;
  /** `ask('alice', 'POST /steps', body)` */
  ask(userId: string, request: string, body?: object): Promise<ApiAnswer>;
  askAsAdmin(request: string, body?: object): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

/** @param isDevelopment users sign in by themselves, as in `latchkey dev`; else only by links */
export async function startTestApi(world: World, isDevelopment = true): Promise<TestApi> {
  const secret = randomBytes(32);
  const server = await startServer(
    {
      ...world.config,
      host: '127.0.0.1',
      port: portOf(world.config.publicUrl),
      returnOrigins: [new URL(world.config.publicUrl).origin],
      drainDelaySeconds: 0,
      codecOrigins: [],
      trustedProxies: [],
      rateLimits: { perUser: 6_000, perAddress: 6_000, perService: 60_000, signIns: 60, connects: 10 },
      jwtUserClaim: 'sub',
      oidc: undefined,
      jwt: { kind: 'secret', secret: new Secret(secret) },
    },
    createLogger({ level: 'silent' }),
    isDevelopment ? { userId: 'developer', observed: observedBy(world) } : undefined,
  );
  const tokenOf = (userId: string, scope?: string) =>
    new SignJWT({ sub: userId, scope, exp: Math.floor(Date.now() / 1000) + 3600 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(secret);
  const ask = async (userId: string, request: string, body?: object, scope?: string): Promise<ApiAnswer> => {
    const [method = '', path] = request.split(' ');
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await tokenOf(userId, scope)}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    url: server.url,
    tokenOf,
    ask: (userId, request, body) => ask(userId, request, body),
    askAsAdmin: (request, body) => ask('admin', request, body, 'latchkey:admin'),
    stop: server.shutdown,
  };
}

/** Records where the world's services do. */
function observedBy({ services: { metrics, tracing } }: World): Observed {
  return { metrics, tracing, port: undefined, async close() {} };
}

/** A world whose pages are opened has an address on this machine. */
function portOf(publicUrl: string): number {
  const { hostname, port } = new URL(publicUrl);
  return hostname === '127.0.0.1' ? Number(port) : 0;
}
