import type { LookupAddress } from 'node:dns';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  cut,
  inTurn,
  json,
  oauthError,
  raw,
  startScriptedTokenEndpoint,
  type TokenReply,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { addresses } from '../net/guarded-fetch-fixture.ts';
import { type Certificate, createCertificate } from '../net/loopback-server.ts';
import { createWorld, type World } from '../support/world.ts';
import { connectExpired, eventsOf, refreshes, untilPutOff, userView } from './refresh-failures.ts';
import {
  away,
  misbehaving,
  passOn,
  type TokenEndpointInFront,
  withCertificates,
} from './token-endpoint-in-front.ts';

// How each answer is classified: test/credentials/renewal-failures.test.ts. Slow ones: slow-token-endpoint.test.ts.

const DAY = 86_400_000;
const UNRESOLVED = 'auth.test';
const HTML = { 'content-type': 'text/html' };

let world: World;
let certificates: { bad: Certificate; good: Certificate };
/** What the resolver knows beside `localhost`. */
const hosts = new Map<string, LookupAddress[]>();

beforeAll(async () => {
  const past = { from: new Date(Date.now() - 2 * DAY), until: new Date(Date.now() - DAY) };
  certificates = {
    bad: await createCertificate('localhost', past),
    good: await createCertificate('localhost'),
  };
  hosts.set('localhost', addresses('127.0.0.1'));
  world = await createWorld({
    network: {
      lookup: async (host) => hosts.get(host) ?? Promise.reject(new Error(`ENOTFOUND ${host}`)),
      trustedCertificates: [certificates.bad.cert, certificates.good.cert],
    },
  });
});

afterAll(() => world.stop());

interface Outage {
  what: string;
  /** As the renewal's failure says. */
  cause: string;
  /** Requests until the renewal is put off. */
  tries: number;
  arrange: () => Promise<TokenEndpointInFront>;
}

const real = () => world.authorizationServer.tokenEndpoint;

/** The server answered, so it may have acted: tried again at once, three times in all, and then put off. */
const unusable = (what: string, cause: string, reply: TokenReply): Outage => ({
  what,
  cause,
  tries: 3,
  arrange: () => misbehaving(real(), reply, 3),
});

/** The server said that it did nothing, or not to ask now: put off at once. */
const declined = (what: string, cause: string, reply: TokenReply): Outage => ({
  what,
  cause,
  tries: 1,
  arrange: () => misbehaving(real(), reply, 1),
});

const notSent = (what: string, cause: string, arrange: Outage['arrange']): Outage => ({
  what,
  cause,
  tries: 0,
  arrange,
});

const BODIES: [string, unknown][] = [
  ['null', null],
  ['an array', [{ access_token: 'a2' }]],
  ['a string', 'a2'],
  ['a number', 42],
  ['an object without access_token', { token_type: 'Bearer', expires_in: 3600 }],
];
const STATUSES = [400, 403, 404, 408, 500, 503, 504];
const REDIRECTS = [301, 302, 303, 307, 308];
const NO_VERDICTS = ['temporarily_unavailable', 'server_error', 'slow_down', 'ratelimited'];

const OUTAGES: Outage[] = [
  notSent('a refused connection', 'connect-refused', () => away(real())),
  notSent('a name that does not resolve', 'dns-failed', unresolved),
  notSent('an expired certificate', 'tls-failed', () => withCertificates(real(), certificates)),
  declined('429', 'rate-limited', raw(429, '')),
  declined('429 that speaks of the grant', 'rate-limited', oauthError('invalid_grant', 429)),
  declined('503 with Retry-After', 'http-503', raw(503, '', { 'retry-after': '1' })),
  unusable('502 with an HTML body', 'http-502', raw(502, '<html>Bad Gateway</html>', HTML)),
  unusable('503 that speaks of the grant', 'http-503', oauthError('invalid_grant', 503)),
  ...STATUSES.map((status) => unusable(`${status} without a word`, `http-${status}`, raw(status, ''))),
  ...REDIRECTS.map((status) => unusable(`${status} to elsewhere`, `http-${status}`, redirect(status))),
  ...BODIES.map(([what, body]) => unusable(`200 with ${what}`, 'http-200', json(200, body))),
  unusable('200 with HTML', 'http-200', raw(200, '<html>access_token</html>', HTML)),
  unusable('200 with 10 MB', 'http-200', json(200, { access_token: 'a2', padding: 'x'.repeat(10_000_000) })),
  unusable('a reset before the answer', 'reset', cut()),
  unusable('a reset in mid-body', 'http-200', cut('{"access_token":"a2",')),
  ...NO_VERDICTS.map((error) => declined(`400 ${error}`, 'oauth-error', oauthError(error))),
  declined('200 with server_error in it', 'oauth-error', oauthError('server_error', 200)),
];

describe.concurrent('a step whose token endpoint answers with', () => {
  test.each(OUTAGES.map((outage) => [outage.what, outage] as const))(
    '%s: runs on, asks nobody, and calls once when the endpoint is well',
    async (_what, { cause, tries, arrange }) => {
      const endpoint = await arrange();
      const user = await connectExpired(world, endpoint.url);
      const step = await world.steps.start(user);

      expect(await untilPutOff(world, step)).toBe(`token endpoint: ${cause}`);
      expect(await userView(world, user, step)).toEqual(UNTROUBLED);
      expect(world.mcpServer.calls({ user })).toEqual([]);
      await endpoint.mend();

      expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
      await vi.waitFor(
        async () =>
          expect(await eventsOf(world, user, step)).toEqual(['started', 'token-renewed', 'finished']),
        20_000,
      );
      expect(world.mcpServer.calls({ user })).toHaveLength(1);
      expect(endpoint.seen).toHaveLength(tries + 1);
      expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
      await endpoint.stop();
    },
  );

  test.each([
    ['seconds', () => ({ 'retry-after': '6' })],
    ['a date', () => ({ 'retry-after': dateIn(7_000) })],
    [
      'a date, by a clock 10 minutes slow',
      () => ({ 'retry-after': dateIn(-593_000), date: dateIn(-600_000) }),
    ],
  ])('429 with Retry-After as %s: asks again no sooner than that', async (_form, headers) => {
    const rateLimited: TokenReply = (...exchange) => raw(429, '', headers())(...exchange);
    const endpoint = await misbehaving(real(), rateLimited, 1);
    await endpoint.mend();
    const user = await connectExpired(world, endpoint.url);
    const step = await world.steps.start(user);

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });

    const [first, second] = endpoint.seen.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(5_500);
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    await endpoint.stop();
  });

  test('a reset after it has rotated the token, with a grace period: nobody is asked', async () => {
    const endpoint = await startScriptedTokenEndpoint();
    const user = await connectExpired(world, endpoint.url);
    const answers: string[] = [];
    const keepAndCut = (body: string) => {
      answers.push(body);
      return cut(body.slice(0, 20));
    };
    const again: TokenReply = (...exchange) => raw(200, answers[0] ?? '')(...exchange);
    endpoint.answer(inTurn(passOn(real(), keepAndCut), again));
    const step = await world.steps.start(user);

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });

    await vi.waitFor(
      async () => expect(await eventsOf(world, user, step)).toEqual(['started', 'token-renewed', 'finished']),
      20_000,
    );
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    expect(endpoint.seen).toHaveLength(2);
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
    await endpoint.stop();
  });
});

const UNTROUBLED = { connection: { status: 'connected' }, step: 'running', waiting: [] };

async function unresolved(): Promise<TokenEndpointInFront> {
  const endpoint = await startScriptedTokenEndpoint();
  endpoint.answer(passOn(real()));
  const { port } = new URL(endpoint.url);
  const mend = async () => void hosts.set(UNRESOLVED, addresses('127.0.0.1'));
  return { ...endpoint, url: `http://${UNRESOLVED}:${port}/token`, mend };
}

function dateIn(ms: number): string {
  return new Date(Date.now() + ms).toUTCString();
}

/** To where a usable answer would come from. */
function redirect(status: number): TokenReply {
  return (response) =>
    void response.writeHead(status, { location: world.authorizationServer.tokenEndpoint }).end();
}
