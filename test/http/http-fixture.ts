import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { SignJWT } from 'jose';
import { expect } from 'vitest';
import { appendAuditEvent } from '../../src/audit/audit-log.ts';
import { readAudit, readAuditHorizon } from '../../src/audit/read-audit.ts';
import { createChangeHub } from '../../src/changes/change-hub.ts';
import { createConnectFlow } from '../../src/connect/connect-flow.ts';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { ServerResumption } from '../../src/contracts/background-activities.ts';
import { listAllConnections } from '../../src/credentials/all-connections.ts';
import { listConnections } from '../../src/credentials/credential-store.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import { readKnownConnections } from '../../src/credentials/known-connections.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createHttpApp } from '../../src/http/app.ts';
import type { HttpDependencies, HttpOptions, WebDependencies } from '../../src/http/dependencies.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createRequestContext } from '../../src/logging/request-context.ts';
import { createArgumentsChecker } from '../../src/mcp/check-arguments-in-thread.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { NetworkPolicy } from '../../src/net/network.ts';
import { parseOutboundUrl } from '../../src/net/outbound-url.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import { cursorKeys } from '../../src/steps/list-cursor.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault, type Vault } from '../../src/vault/vault.ts';
import { csrfKeys } from '../../src/web/csrf-token.ts';
import type { OidcDependencies } from '../../src/web/oidc/oidc-sign-in.ts';
import { createWebSessions } from '../../src/web/session-store.ts';
import { createSignInLinks } from '../../src/web/sign-in-link-store.ts';
import { createTestDatabase } from '../support/database.ts';
import { createMemorySteps, type MemorySteps } from './memory-steps.ts';

export const VERSION = '1.2.3-test';
export const PUBLIC_URL = 'https://latchkey.example/mcp';
export const PUBLIC_HOST = new URL(PUBLIC_URL).host;
/** What a program sends, which is no browser. */
const API_CLIENT = { host: PUBLIC_HOST, accept: 'application/json' };
/** Origins that `returnTo` may name. */
export const RETURN_ORIGIN = 'https://app.example';
export const RETURN_ORIGINS = [RETURN_ORIGIN];
export const SECRET = new TextEncoder().encode('a secret of at least thirty-two bytes');

export type Answer = Awaited<ReturnType<FastifyInstance['inject']>>;

export interface HttpFixture {
  app: FastifyInstance;
  deps: HttpDependencies;
  pool: Pool;
  vault: Vault;
  steps: MemorySteps;
  /** Returns all logged lines as text. */
  logged(): string;
  /** Resumptions that deposits have started. */
  resumed: (CredentialKey & { version: number })[];
  /** Resumptions of servers that were paused. */
  resumedServers: ServerResumption[];
  /** Sends a request, by default as `alice`; `user: null` sends no token. */
  ask(request: InjectOptions & { user?: string | null; scope?: string }): Promise<Answer>;
  /** Sends a request with the admin scope. */
  askAsAdmin(request: InjectOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** What a sign-in by OpenID Connect is made of. */
export type WebServices = OidcDependencies;

export interface FixtureOptions {
  web?: Partial<WebDependencies> | ((services: WebServices) => Partial<WebDependencies>);
  deps?: Partial<HttpDependencies>;
  http?: Partial<HttpOptions>;
  /** Which addresses may be named. Default: `public`. */
  policy?: NetworkPolicy;
}

/** Starts the HTTP API on a real database and a real vault, with steps in memory. */
export async function createHttpFixture({
  deps = {},
  http = {},
  policy = 'public',
  web = {},
}: FixtureOptions = {}): Promise<HttpFixture> {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => {} });
  const keyRing = createKeyRing([{ id: 'k1', bytes: randomBytes(32) }]);
  const vault = createVault(keyRing);
  const network = createGuardedFetch({ policy: 'development' });
  const lines: string[] = [];
  const requests = createRequestContext();
  const logger = requests.loggerOf(
    createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } }),
  );
  const resumed: HttpFixture['resumed'] = [];
  const resumedServers: ServerResumption[] = [];
  const steps = createMemorySteps();
  const authorizationServers = createAuthorizationServerLookup(network.fetch);
  const argumentsChecker = createArgumentsChecker({
    limitMs: 30_000,
    problemsLimitMs: 30_000,
    queueMs: 30_000,
  });
  const depositing = {
    pool,
    vault,
    keyRing,
    authorizationServers,
    refuseAddress: refuse('user', policy),
    startResumption: async (key: CredentialKey, version: number) => {
      resumed.push({ ...key, version });
    },
  };
  const changes = createChangeHub({ db: pool, logger, askIntervalMs: 20 });
  const all: HttpDependencies = {
    servers: createServerStore(pool, vault, async (one) => void resumedServers.push(one)),
    refuseServerAddress: refuse('admin', policy),
    deposit: (userId, deposit, by) => depositCredential(depositing, userId, deposit, { by }),
    audit: (event) => appendAuditEvent(pool, event),
    readAudit: (page) => readAudit(pool, page),
    readAuditHorizon: () => readAuditHorizon(pool),
    listAllConnections: (page) => listAllConnections(pool, page),
    cursorKeys: cursorKeys(keyRing.fingerprintKeys),
    connect: createConnectFlow({
      db: pool,
      vault,
      guardedFetch: network.fetch,
      publicUrl: http.publicUrl ?? PUBLIC_URL,
      returnOrigins: RETURN_ORIGINS,
      version: '0.0.0-test',
      authorizationServers,
      deposit: (...deposit) => depositCredential(depositing, ...deposit),
      logger,
    }),
    listConnections: (userId) => listConnections(pool, userId),
    knownConnections: (userId) => readKnownConnections(pool, userId),
    disconnect: async (key, by) => {
      await disconnectCredential(pool, key, by);
    },
    listTools: async () => ({ kind: 'listed', tools: [] }),
    argumentsChecker,
    steps,
    changes,
    web: {
      sessions: createWebSessions(pool),
      csrfKeys: csrfKeys(keyRing.fingerprintKeys),
      links: createSignInLinks(pool),
      signIn: { kind: 'links' },
      ...(typeof web === 'function' ? web({ db: pool, vault, guardedFetch: network.fetch, logger }) : web),
    },
    payloadCipher: undefined,
    checks: {
      postgres: async () => {
        await pool.query('SELECT 1');
      },
      temporal: async () => {},
    },
    isDraining: () => false,
    logger,
    requests,
    ...deps,
  };
  const app = createHttpApp(all, {
    version: VERSION,
    jwt: { kind: 'secret', secret: SECRET, userClaim: 'sub' },
    publicUrl: PUBLIC_URL,
    returnOrigins: RETURN_ORIGINS,
    ...http,
  });
  await app.ready();
  const ask: HttpFixture['ask'] = async ({ user = 'alice', scope, ...request }) => {
    const authorization =
      user === null ? {} : { authorization: `Bearer ${await token({ sub: user, scope })}` };
    const answer = await app.inject({
      ...request,
      headers: { ...API_CLIENT, ...authorization, ...request.headers },
    });
    expect(answer.headers['x-latchkey-version']).toBe(VERSION);
    if (answer.statusCode >= 400) expectProblem(answer);
    return answer;
  };
  return {
    app,
    deps: all,
    pool,
    vault,
    steps,
    resumed,
    resumedServers,
    logged: () => lines.join(''),
    ask,
    askAsAdmin: (request) => ask({ user: 'root', scope: 'openid latchkey:admin', ...request }),
    async close() {
      await app.close();
      changes.close();
      await argumentsChecker.close();
      await network.close(0);
      await pool.end();
      await database.drop();
    },
  };
}

function refuse(addressFrom: 'user' | 'admin', policy: NetworkPolicy) {
  return (url: string) => {
    const parsed = parseOutboundUrl(url, { policy, addressFrom });
    return parsed.kind === 'refused' ? parsed.code : undefined;
  };
}

/** Signs a valid token, by default for an hour. */
export async function token(claims: Record<string, unknown>, secret: Uint8Array = SECRET): Promise<string> {
  return new SignJWT({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(secret);
}

/** Expects a problem document with the status of the answer, like every error. RFC 9457. */
export function expectProblem(answer: Answer): void {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.json()).toMatchObject({
    type: 'about:blank',
    title: expect.stringMatching(/./),
    status: answer.statusCode,
    detail: expect.stringMatching(/./),
    code: expect.stringMatching(/^[a-z-]+$/),
  });
}

export const OAUTH_SERVER = { url: 'https://mcp.example/mcp', auth: { type: 'oauth2' } };

export async function registerServer(
  fixture: HttpFixture,
  id: string,
  body: object = OAUTH_SERVER,
): Promise<void> {
  const answer = await fixture.askAsAdmin({
    method: 'PUT',
    url: `/mcp-servers/${encodeURIComponent(id)}`,
    payload: body,
  });
  expect(answer.statusCode).toBe(201);
}

export const DEPOSIT = {
  mcpServerId: 'notes',
  refreshToken: 'rt-very-secret',
  tokenEndpoint: 'https://as.example/token',
};

export const newId = () => randomUUID();
