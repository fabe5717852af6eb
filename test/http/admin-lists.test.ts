import { describe, expect } from 'vitest';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, DEPOSIT, type HttpFixture, registerServer } from './http-fixture.ts';

const CONTENT = 'latchkey:admin latchkey:admin:content';

const test = httpTestWith(async () => {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'notes');
  await registerServer(fixture, 'ledger');
  for (const [user, mcpServerId, label] of [
    ['ada', 'notes', 'ada@example.com'],
    ['ada', 'ledger', 'work'],
    ['bob', 'notes', 'bob@example.com'],
  ]) {
    const payload = { ...DEPOSIT, mcpServerId, label };
    await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', user: user ?? '', payload });
  }
  return fixture;
});

const get = async (fixture: HttpFixture, url: string, scope = 'latchkey:admin') => {
  const answer = await fixture.ask({ url, user: 'root', scope });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
};

const contentReads = async (fixture: HttpFixture) => {
  const { rows } = await fixture.pool.query(
    "SELECT actor_user_id AS actor, user_id AS user, details FROM mcp_audit_event WHERE action = 'content-read' ORDER BY id",
  );
  return rows;
};

describe('GET /admin/steps', () => {
  test('lists the steps of all users without what they were called with, unless the token may see content', async ({
    fixture,
  }) => {
    const step = { mcpServerId: 'notes', tool: 't', arguments: { secret: 'argument-of-ada' } };
    for (const user of ['ada', 'bob']) {
      const payload = { ...step, stepId: `s-${user}`, title: `title-of-${user}` };
      await fixture.ask({ method: 'POST', url: '/steps', user, payload });
    }
    const serverMessage = 'words-of-the-server';
    const error = { code: 'tool-error', message: 'a-message', serverMessage } as const;
    fixture.steps.change('bob', 's-bob', { status: 'error', error, result: { content: ['answer-to-bob'] } });

    const plain = await fixture.ask({ url: '/admin/steps', user: 'root', scope: 'latchkey:admin' });
    expect(plain.json().steps).toMatchObject([
      { userId: 'ada', stepId: 's-ada', status: 'running' },
      { userId: 'bob', stepId: 's-bob', status: 'error', error: { code: 'tool-error' } },
    ]);
    for (const content of ['argument-of-ada', 'title-of-', serverMessage, 'a-message', 'answer-to-bob'])
      expect(plain.body).not.toContain(content);
    expect(await contentReads(fixture)).toEqual([]);

    const { steps } = await get(fixture, '/admin/steps', CONTENT);
    expect(steps).toMatchObject([
      { title: 'title-of-ada', arguments: { secret: 'argument-of-ada' } },
      { error, result: { content: ['answer-to-bob'] } },
    ]);
    expect(await contentReads(fixture)).toEqual([
      { actor: 'root', user: 'ada', details: { list: 'steps', count: 1 } },
      { actor: 'root', user: 'bob', details: { list: 'steps', count: 1 } },
    ]);
  });

  test('passes its filters on', async ({ fixture }) => {
    const asked: unknown[] = [];
    const { listAll } = fixture.steps;
    fixture.steps.listAll = async (options) => {
      asked.push(options);
      return { steps: [], nextCursor: 'next' };
    };
    const query =
      'userId=ada&mcpServerId=notes&status=awaiting-input&reason=needs-approval&since=2026-01-02T03:04:05%2B01:00&limit=7&cursor=c';
    const answer = await get(fixture, `/admin/steps?${query}`);
    fixture.steps.listAll = listAll;
    expect(answer).toEqual({ steps: [], nextCursor: 'next' });
    const since = new Date('2026-01-02T02:04:05Z');
    const filter = {
      userId: 'ada',
      mcpServerId: 'notes',
      status: 'awaiting-input',
      reason: 'needs-approval',
    };
    expect(asked).toEqual([{ ...filter, since, limit: 7, cursor: 'c', withContent: false }]);
  });

  test.for([
    'reason=never',
    'status=success&reason=needs-approval',
    'status=awaiting-input&reason=tool-error',
    'since=yesterday',
    'limit=0',
    'limit=101',
    'userId=',
    'user=ada',
  ])('is a 400 with %s', async (query, { fixture }) => {
    const answer = await fixture.askAsAdmin({ url: `/admin/steps?${query}` });
    expect(answer.statusCode).toBe(400);
  });
});

describe('GET /admin/connections', () => {
  test('lists the connections of all users in pages, and labels only to those who may see content', async ({
    fixture,
  }) => {
    const first = await get(fixture, '/admin/connections?limit=2');
    expect(first.connections).toMatchObject([
      { userId: 'ada', mcpServerId: 'ledger', account: 'default', status: 'connected', waitingSteps: 0 },
      { userId: 'ada', mcpServerId: 'notes' },
    ]);
    expect(JSON.stringify(first)).not.toContain('example.com');
    const second = await get(fixture, `/admin/connections?limit=2&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ connections: [{ userId: 'bob' }] });
    expect(second.nextCursor).toBeUndefined();
    const { connections } = await get(fixture, '/admin/connections?userId=bob', CONTENT);
    expect(connections).toMatchObject([{ label: 'bob@example.com' }]);
    expect(await contentReads(fixture)).toContainEqual({
      actor: 'root',
      user: 'bob',
      details: { list: 'connections', count: 1 },
    });
  });

  test('filters by user, server, status, reason and time', async ({ fixture }) => {
    const ids = async (query: string) =>
      (await get(fixture, `/admin/connections?${query}`)).connections.map(
        (one: { userId: string; mcpServerId: string; reason?: string }) =>
          [one.userId, one.mcpServerId, one.reason].filter(Boolean).join(' '),
      );
    expect(await ids('userId=ada')).toEqual(['ada ledger', 'ada notes']);
    expect(await ids('mcpServerId=notes')).toEqual(['ada notes', 'bob notes']);
    expect(await ids('status=reauth-required')).toEqual([]);
    await fixture.pool.query(
      "UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-client' WHERE user_id = 'bob'",
    );
    await fixture.askAsAdmin({
      method: 'PUT',
      url: '/mcp-servers/ledger',
      payload: { url: 'https://other.example/mcp', auth: { type: 'oauth2' } },
    });
    expect(await ids('status=reauth-required')).toEqual([
      'ada ledger server-changed',
      'bob notes invalid-client',
    ]);
    expect(await ids('reason=server-changed')).toEqual(['ada ledger server-changed']);
    expect(await ids('reason=invalid-client')).toEqual(['bob notes invalid-client']);
    expect(await ids('reason=invalid-grant')).toEqual([]);
    expect(await ids('status=connected')).toEqual(['ada notes']);
    expect(await ids('since=2020-01-01')).toHaveLength(3);
    expect(await ids('since=9999-01-01')).toEqual([]);
    expect(
      (await fixture.askAsAdmin({ url: '/admin/connections?status=connected&reason=invalid-grant' }))
        .statusCode,
    ).toBe(400);
  });

  test('refuses a cursor of another list', async ({ fixture }) => {
    const { nextCursor } = await get(fixture, '/admin/connections?limit=1');
    for (const url of [
      `/admin/connections?userId=ada&cursor=${nextCursor}`,
      `/admin/audit?cursor=${nextCursor}`,
    ]) {
      expect((await fixture.askAsAdmin({ url })).statusCode).toBe(400);
    }
  });
});

describe('GET /admin/audit', () => {
  test('pages through the log, the latest first', async ({ fixture }) => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await get(fixture, `/admin/audit?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.entries.map(({ id }: { id: string }) => id));
      cursor = page.nextCursor ?? '';
    } while (cursor !== '');
    const { rows } = await fixture.pool.query('SELECT id FROM mcp_audit_event ORDER BY at DESC, id DESC');
    expect(seen).toEqual(rows.map(({ id }) => id));
  });

  test('filters by user, actor, server and action', async ({ fixture }) => {
    const actions = async (query: string) =>
      (await get(fixture, `/admin/audit?${query}`)).entries.map(
        ({ action, userId }: { action: string; userId?: string }) => `${action} ${userId ?? ''}`,
      );
    expect(await actions('userId=bob&action=connected')).toEqual(['connected bob']);
    expect(await actions('actorUserId=root&mcpServerId=notes')).toEqual(['server-registered ']);
    expect(await actions('actorUserId=bob')).toEqual(['connected bob']);
    expect(await actions('since=9999-01-01')).toEqual([]);
    expect(await actions('reason=invalid-grant')).toEqual([]);
    await fixture.pool.query(
      `INSERT INTO mcp_audit_event (action, user_id, details)
       VALUES ('reauth-required', 'bob', '{"reason":"invalid-grant","status":"ended"}')`,
    );
    expect(await actions('reason=invalid-grant')).toEqual(['reauth-required bob']);
    expect(await actions('reason=invalid-grant&status=ended')).toEqual(['reauth-required bob']);
    expect(await actions('reason=invalid-grant&status=open')).toEqual([]);
    expect((await fixture.askAsAdmin({ url: '/admin/audit?reason=No%20words' })).statusCode).toBe(400);
  });

  test('exports lines, the oldest first, that can be resumed from each of them', async ({ fixture }) => {
    const lines = await exported(fixture, '');
    const { rows } = await fixture.pool.query('SELECT id FROM mcp_audit_event ORDER BY at, id');
    expect(lines.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    expect(lines[0]).toMatchObject({
      action: 'server-registered',
      actorUserId: 'root',
      mcpServerId: 'notes',
    });
    const half = lines[1];
    const rest = await exported(fixture, `?cursor=${half?.cursor}`);
    expect(rest.map(({ id }) => id)).toEqual(rows.slice(2).map(({ id }) => id));
    const since = encodeURIComponent(String(lines[2]?.at));
    const later = await exported(fixture, `?since=${since}&limit=1`);
    expect(later).toHaveLength(1);
  });

  test('exports nothing after a transaction that is still writing', async ({ fixture }) => {
    const writer = await fixture.pool.connect();
    await writer.query('BEGIN');
    await writer.query("INSERT INTO mcp_audit_event (action, user_id) VALUES ('late', 'late-user')");
    await fixture.pool.query("INSERT INTO mcp_audit_event (action, user_id) VALUES ('early', 'early-user')");
    const during = await exported(fixture, '');
    await writer.query('COMMIT');
    writer.release();
    const after = await exported(fixture, `?cursor=${during.at(-1)?.cursor}`);
    expect(during.map(({ action }) => action)).not.toContain('early');
    expect(after.map(({ action }) => action)).toEqual(['late', 'early']);
  });
});

test('lists over all users are for admins alone', async ({ fixture }) => {
  for (const list of ['steps', 'connections', 'audit']) {
    for (const scope of ['', 'latchkey:admin:content', 'latchkey:act-for-users']) {
      expect((await fixture.ask({ url: `/admin/${list}`, scope })).statusCode).toBe(403);
    }
  }
});

describe('a list that had no pages', () => {
  test('answers everything without a limit, and pages with one', async ({ fixture }) => {
    const servers = await get(fixture, '/mcp-servers');
    expect(Object.keys(servers)).toEqual(['servers']);
    const first = await get(fixture, '/mcp-servers?limit=1');
    expect(first.servers).toMatchObject([{ id: 'ledger' }]);
    const second = await get(fixture, `/mcp-servers?limit=1&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ servers: [{ id: 'notes' }] });
    expect(second.nextCursor).toBeUndefined();
  });

  test('of connections is its user’s own', async ({ fixture }) => {
    const ask = async (user: string, query = '') =>
      fixture.ask({ url: `/mcp-oauth-credentials${query}`, user });
    const { connections, nextCursor } = (await ask('ada', '?limit=1')).json();
    expect(connections).toMatchObject([{ mcpServerId: 'ledger' }]);
    expect((await ask('ada', `?cursor=${nextCursor}`)).json().connections).toMatchObject([
      { mcpServerId: 'notes' },
    ]);
    expect((await ask('bob', `?cursor=${nextCursor}`)).statusCode).toBe(400);
  });
});

async function exported(fixture: HttpFixture, query: string): Promise<Record<string, unknown>[]> {
  const answer = await fixture.askAsAdmin({
    url: `/admin/audit${query}`,
    headers: { accept: 'application/x-ndjson' },
  });
  expect(answer.headers['content-type']).toBe('application/x-ndjson');
  return answer.body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
