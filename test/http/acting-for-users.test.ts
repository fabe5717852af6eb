import { request as httpRequest } from 'node:http';
import { describe, expect } from 'vitest';
import { createLatchkeyApi } from '../../src/client/api-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, DEPOSIT, type HttpFixture, registerServer, token } from './http-fixture.ts';

const ACTING = 'latchkey:act-for-users';
const LIMIT = 3;

const test = httpTestWith(async () => {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'notes');
  return fixture;
});

/** Asks as the backend `shop`, for a user. */
function actFor(
  fixture: HttpFixture,
  user: string | undefined,
  request: Partial<Parameters<HttpFixture['ask']>[0]> = {},
) {
  return fixture.ask({
    user: 'shop',
    scope: ACTING,
    url: '/steps',
    ...request,
    headers: { ...request.headers, ...(user !== undefined && { 'latchkey-user': user }) },
  });
}

async function auditOf(fixture: HttpFixture, user: string) {
  const { rows } = await fixture.pool.query<{ actor: string; action: string }>(
    'SELECT actor_user_id AS actor, action FROM mcp_audit_event WHERE user_id = $1 ORDER BY id',
    [user],
  );
  return rows.map(({ actor, action }) => `${action} by ${actor}`);
}

const start = (stepId: string) => ({
  method: 'POST' as const,
  url: '/steps',
  payload: { mcpServerId: 'notes', tool: 'create_note', stepId },
});

describe('a token that may act for users', () => {
  test('starts, shows, lists and cancels the steps of the user that is named', async ({ fixture }) => {
    expect((await actFor(fixture, 'ada', start('a1'))).statusCode).toBe(202);
    expect(fixture.steps.started.at(-1)).toMatchObject({ userId: 'ada', stepId: 'a1' });
    expect((await actFor(fixture, 'ada', { url: '/steps/a1' })).json().stepId).toBe('a1');
    expect((await fixture.ask({ url: '/steps/a1', user: 'ada' })).statusCode).toBe(200);
    expect((await actFor(fixture, 'bob', { url: '/steps/a1' })).statusCode).toBe(404);
    expect((await actFor(fixture, undefined, { url: '/steps/a1' })).statusCode).toBe(404);
    expect((await actFor(fixture, 'ada')).json().steps).toHaveLength(1);
    expect((await actFor(fixture, 'ada', { method: 'DELETE', url: '/steps/a1' })).statusCode).toBe(202);
  });

  test('is its own user without the header', async ({ fixture }) => {
    await actFor(fixture, undefined, start('own'));
    expect(fixture.steps.started.at(-1)).toMatchObject({ userId: 'shop', stepId: 'own' });
    expect(await auditOf(fixture, 'shop')).toEqual([]);
  });

  test('deposits, lists and ends the connections of the user, makes links, and is named in the audit log', async ({
    fixture,
  }) => {
    const user = 'eve';
    const at = (method: 'POST' | 'GET' | 'DELETE', url: string, payload?: object) =>
      actFor(fixture, user, { method, url, ...(payload && { payload }) });
    expect((await at('POST', '/mcp-oauth-credentials', DEPOSIT)).statusCode).toBe(200);
    expect((await at('GET', '/mcp-oauth-credentials')).json().connections).toHaveLength(1);
    expect((await at('DELETE', '/mcp-oauth-credentials/notes')).statusCode).toBe(204);
    expect((await at('POST', '/connect-sessions', { mcpServerId: 'notes' })).statusCode).toBe(201);
    expect((await at('POST', '/sign-in-links')).statusCode).toBe(201);
    expect((await at('POST', '/preflight', { calls: [{ mcpServerId: 'notes' }] })).statusCode).toBe(200);
    expect((await at('GET', '/mcp-tools')).statusCode).toBe(200);
    await actFor(fixture, user, start('e1'));
    expect(await auditOf(fixture, user)).toEqual([
      'connected by shop',
      'disconnected by shop',
      'connect-link-requested by shop',
      'sign-in-link-requested by shop',
      'step-requested by shop',
    ]);
  });

  test('passes on who acts with a decision, which is the user’s', async ({ fixture }) => {
    await actFor(fixture, 'dora', start('d1'));
    const decided: unknown[] = [];
    const { approve } = fixture.steps;
    fixture.steps.approve = async (decision) => {
      decided.push(decision);
      return approve(decision);
    };
    await actFor(fixture, 'dora', { method: 'POST', url: '/steps/d1/approve' });
    fixture.steps.approve = approve;
    expect(decided).toMatchObject([{ userId: 'dora', by: 'dora', actedBy: 'shop', stepId: 'd1' }]);
  });

  test('reads the events of the user, once and as a stream', async ({ fixture, port }) => {
    const accept = { accept: 'application/json' };
    const { change } = (await actFor(fixture, 'fay', { url: '/events', headers: accept })).json();
    expect(change).toMatch(/^\d+$/);
    const text = await firstEvent(port, await token({ sub: 'shop', scope: ACTING }), 'fay');
    expect(text).toContain('event: ready');
    expect(await watchedUsers(fixture)).toContain('fay');
  });

  test('does not lend its admin rights to the user', async ({ fixture }) => {
    const both = { scope: `${ACTING} latchkey:admin latchkey:admin:content` };
    const refused = await actFor(fixture, 'ada', { ...both, url: '/mcp-servers' });
    expect(refused.statusCode).toBe(403);
    expect(refused.json().detail).toContain('Latchkey-User');
    expect((await actFor(fixture, undefined, { ...both, url: '/mcp-servers' })).statusCode).toBe(200);
  });

  test('is in the request log beside the user', async ({ fixture }) => {
    await actFor(fixture, 'logged-user');
    const line = fixture
      .logged()
      .split('\n')
      .find((one) => one.includes('logged-user'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ userId: 'logged-user', actedBy: 'shop' });
  });
});

describe('the header Latchkey-User', () => {
  test('needs the scope, also for the token’s own user and with the admin scope', async ({ fixture }) => {
    for (const scope of ['', 'latchkey:admin', 'latchkey:act-for-user']) {
      for (const user of ['ada', 'shop']) {
        const answer = await actFor(fixture, user, { scope });
        expect(answer.statusCode).toBe(403);
        expect(answer.json().code).toBe('forbidden');
        expect(answer.headers['www-authenticate']).toBe(
          `Bearer error="insufficient_scope", scope="${ACTING}"`,
        );
      }
    }
  });

  test('is refused in a request by session cookie', async ({ fixture }) => {
    const session = await fixture.deps.web.sessions.begin({ userId: 'ada', isAdmin: true });
    const answer = await fixture.app.inject({
      url: '/steps',
      headers: {
        host: 'latchkey.example',
        cookie: `__Host-latchkey-session=${session}`,
        'sec-fetch-site': 'same-origin',
        'latchkey-user': 'bob',
      },
    });
    expect(answer.statusCode).toBe(403);
  });

  test.for([
    ['an empty id', ''],
    ['an id of 256 characters', 'x'.repeat(256)],
    ['a control character', Buffer.from('a\u0085b').toString('latin1')],
    ['bytes that are not UTF-8', 'caf\u00e9'],
  ])('is a 400 with %s', async ([, user], { fixture }) => {
    const answer = await actFor(fixture, user);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'invalid-request', errors: [{ path: 'Latchkey-User' }] });
  });

  test('holds an id of any script, in UTF-8', async ({ fixture }) => {
    const user = 'zoë/日本, 🔑';
    await actFor(fixture, Buffer.from(user).toString('latin1'), start('z1'));
    expect(fixture.steps.started.at(-1)).toMatchObject({ userId: user });
  });

  test('is sent by the client of the API', async ({ fixture, port }) => {
    const bearer = await token({ sub: 'shop', scope: ACTING });
    const apiOf = (user: string) =>
      createLatchkeyApi({ url: `http://127.0.0.1:${port}`, token: bearer, user });
    await apiOf('zoë ☕').listTools();
    expect(fixture.logged()).toContain('"userId":"zoë ☕","actedBy":"shop"');
    for (const user of ['', ' ada', 'ada\n']) {
      await expect(apiOf(user).listTools()).rejects.toThrow(RangeError);
    }
  });

  test('is refused when it is sent twice, which Node would join to the id of another user', async ({
    port,
  }) => {
    const authorization = `Bearer ${await token({ sub: 'shop', scope: ACTING })}`;
    const status = await statusOf(port, ['Authorization', authorization, ...twice('ada', 'bob')]);
    expect(status).toBe(400);
  });
});

const twice = (one: string, other: string) => ['Latchkey-User', one, 'Latchkey-User', other];

const limitedTest = httpTestWith(() =>
  createHttpFixture({ http: { requestsPerMinute: LIMIT, serviceRequestsPerMinute: 2 * LIMIT } }),
);

describe('the rate limit of requests for users', () => {
  limitedTest(
    'counts for the user, whoever asks, and for the service over all users',
    async ({ fixture }) => {
      const statuses = async (times: number, user: string, ask = actFor) => {
        const answers = [];
        for (let i = 0; i < times; i++) answers.push((await ask(fixture, user)).statusCode);
        return answers;
      };
      expect(await statuses(LIMIT + 1, 'ada')).toEqual([200, 200, 200, 429]);
      expect((await fixture.ask({ url: '/steps', user: 'ada' })).statusCode).toBe(429);
      expect(await statuses(LIMIT, 'bob')).toEqual([200, 200, 429]);
      const refused = await actFor(fixture, 'carol');
      expect(refused.statusCode).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect((await fixture.ask({ url: '/steps', user: 'bob' })).statusCode).toBe(200);
      expect((await fixture.ask({ url: '/steps', user: 'shop' })).statusCode).toBe(200);
    },
  );
});

function statusOf(port: number, headers: string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', path: '/steps', headers: ['Host', 'x', ...headers] })
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject)
      .end();
  });
}

async function firstEvent(port: number, bearer: string, user: string): Promise<string> {
  const gone = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/events`, {
    headers: { authorization: `Bearer ${bearer}`, 'latchkey-user': user, accept: 'text/event-stream' },
    signal: gone.signal,
  });
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes('event: ready')) text += new TextDecoder().decode((await reader?.read())?.value);
  gone.abort();
  return text;
}

async function watchedUsers(fixture: HttpFixture): Promise<string[]> {
  const { rows } = await fixture.pool.query<{ user_id: string }>('SELECT user_id FROM mcp_watched_user');
  return rows.map((row) => row.user_id);
}
