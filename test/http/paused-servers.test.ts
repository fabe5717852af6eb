import { describe, expect } from 'vitest';
import { httpTest } from './fixtures.ts';
import { OAUTH_SERVER, registerServer } from './http-fixture.ts';

const test = httpTest
  .extend(
    'switchServer',
    ({ fixture }) =>
      (id: string, to: 'pause' | 'resume') =>
        fixture.askAsAdmin({ method: 'POST', url: `/mcp-servers/${encodeURIComponent(id)}/${to}` }),
  )
  .extend(
    'put',
    ({ fixture }) =>
      (id: string, more: object = {}) =>
        fixture.askAsAdmin({
          method: 'PUT',
          url: `/mcp-servers/${id}`,
          payload: { ...OAUTH_SERVER, ...more },
        }),
  )
  .extend(
    'get',
    ({ fixture }) =>
      async (id: string) =>
        (await fixture.askAsAdmin({ url: `/mcp-servers/${encodeURIComponent(id)}` })).json(),
  );

test.beforeEach(async ({ fixture }) => {
  await fixture.pool.query('DELETE FROM mcp_server');
  fixture.resumedServers.length = 0;
});

describe('pausing a server', () => {
  test('answers the server as GET shows it, and lists show it too', async ({
    fixture,
    get,
    switchServer,
  }) => {
    await registerServer(fixture, 'team/notes');

    const paused = await switchServer('team/notes', 'pause');

    expect(paused.statusCode).toBe(200);
    expect(paused.json()).toMatchObject({ id: 'team/notes', paused: true });
    expect(await get('team/notes')).toEqual(paused.json());
    const { servers } = (await fixture.askAsAdmin({ url: '/mcp-servers' })).json();
    expect(servers).toEqual([paused.json()]);
  });

  test('can be repeated, and resumes nothing', async ({ fixture, switchServer }) => {
    await registerServer(fixture, 'notes');
    const first = await switchServer('notes', 'pause');

    const second = await switchServer('notes', 'pause');

    expect(second.json()).toEqual(first.json());
    expect(fixture.resumedServers).toEqual([]);
  });

  test('by its registration is shown, and shown again after the next one', async ({ get, put }) => {
    expect((await put('notes', { paused: true })).json()).toMatchObject({ paused: true });
    expect((await put('notes', { paused: true, title: 'Notes' })).json()).toMatchObject({ paused: true });
    expect(await get('notes')).toMatchObject({ paused: true, title: 'Notes' });
  });

  test('is refused with a text in place of the flag', async ({ put }) => {
    const answer = await put('notes', { paused: 'yes' });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toMatchObject([{ path: 'paused' }]);
  });
});

describe('resuming a server', () => {
  test('resumes its steps, and repeating it does not', async ({ fixture, switchServer }) => {
    await registerServer(fixture, 'notes');
    await switchServer('notes', 'pause');

    const first = await switchServer('notes', 'resume');
    const second = await switchServer('notes', 'resume');

    expect([first.statusCode, second.statusCode]).toEqual([200, 200]);
    expect(second.json()).toEqual(first.json());
    expect(first.json()).toMatchObject({ paused: false });
    expect(fixture.resumedServers).toEqual([{ mcpServerId: 'notes', resumption: expect.any(Number) }]);
  });

  test('is what a registration does that leaves the switch out', async ({ fixture, put }) => {
    await put('notes', { paused: true });

    expect((await put('notes')).json()).toMatchObject({ paused: false });

    expect(fixture.resumedServers).toHaveLength(1);
  });
});

describe('removing a server', () => {
  test('tells the steps that wait for it if it was paused', async ({ fixture, put }) => {
    await put('open');
    await put('notes', { paused: true });

    for (const id of ['open', 'notes']) {
      const answer = await fixture.askAsAdmin({ method: 'DELETE', url: `/mcp-servers/${id}` });
      expect(answer.statusCode).toBe(204);
    }

    expect(fixture.resumedServers.map(({ mcpServerId }) => mcpServerId)).toEqual(['notes']);
  });
});

describe.for(['pause', 'resume'] as const)('the route to %s', (to) => {
  test('answers 404 for an unknown server', async ({ switchServer }) => {
    const answer = await switchServer('unknown', to);
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'unknown-server']);
  });

  test('is for admins', async ({ fixture }) => {
    await registerServer(fixture, 'notes');
    const request = { method: 'POST', url: `/mcp-servers/notes/${to}` } as const;
    expect((await fixture.ask(request)).statusCode).toBe(403);
    expect((await fixture.ask({ ...request, user: null })).statusCode).toBe(401);
  });
});
