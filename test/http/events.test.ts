import type { AddressInfo } from 'node:net';
import { describe, expect, vi } from 'vitest';
import { deleteWatchOf, noteChanges } from '../../src/changes/watched-user-store.ts';
import { type EventReader, readEvents } from './event-reader.ts';
import { httpTest, httpTestWith } from './fixtures.ts';
import { createHttpFixture, type HttpFixture, PUBLIC_HOST, token } from './http-fixture.ts';

interface OpenOptions {
  user?: string;
  headers?: Record<string, string>;
  query?: string;
}

/** Opens streams at a listening app, and closes them after the test. */
function opener(port: number, onTestFinished: (work: () => void) => void) {
  return async ({ user = 'ada', headers, query = '' }: OpenOptions = {}): Promise<EventReader> => {
    const authorization = `Bearer ${await token({ sub: user })}`;
    const stream = await readEvents(`http://127.0.0.1:${port}/events${query}`, { authorization, ...headers });
    onTestFinished(stream.close);
    return stream;
  };
}

const test = httpTest
  .extend('open', ({ port, onTestFinished }) => opener(port, onTestFinished))
  .extend(
    'change',
    ({ fixture }) =>
      (user: string) =>
        noteChanges(fixture.pool, [user]),
  );

const idOf = async (stream: EventReader) => (await stream.next())?.id ?? '';

describe('the stream of events', () => {
  test('begins at once, with what makes proxies pass it on', async ({ open }) => {
    const stream = await open();
    const ready = await stream.next();
    expect(ready).toEqual({
      name: 'ready',
      id: expect.stringMatching(/^\d+$/),
      data: { change: ready?.id, changed: true },
    });
    expect(stream.response.statusCode).toBe(200);
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(stream.text()).toMatch(/^: {2048}\nretry: \d{4}\n\n/);
  });

  test('tells a user of every change of theirs, and of no other', async ({ open, change }) => {
    const [ada, bob] = [await open({ user: 'ada' }), await open({ user: 'bob' })];
    const first = await idOf(ada);
    await idOf(bob);
    await change('ada');
    const told = await ada.next();
    expect(told).toEqual({
      name: 'change',
      id: expect.not.stringMatching(`^${first}$`),
      data: { change: told?.id },
    });

    // Ada's change came before, so Bob's stream would have told it first.
    await change('bob');
    expect((await bob.next())?.data).toEqual({ change: String(Number(told?.id) + 1) });
  });

  test('says after a reconnection whether something has changed meanwhile', async ({
    fixture,
    open,
    change,
  }) => {
    const id = await idOf(await open());
    const again = { headers: { 'last-event-id': id } };
    expect((await (await open(again)).next())?.data).toEqual({ change: id, changed: false });
    expect((await (await open({ query: `?after=${id}` })).next())?.data).toMatchObject({ changed: false });
    // The header is newer: a browser repeats the address that it began with.
    expect((await (await open({ ...again, query: '?after=1' })).next())?.data).toMatchObject({
      changed: false,
    });

    await change('ada');
    expect((await (await open(again)).next())?.data).toMatchObject({ changed: true });
    const newest = await idOf(await open());
    await deleteWatchOf(fixture.pool, 'ada');
    const after = { headers: { 'last-event-id': newest } };
    expect((await (await open(after)).next())?.data).toMatchObject({ changed: true });
  });

  test.for(['x', '-1', '1e3', '9'.repeat(20), ''])('takes %j for no id', async (id, { open }) => {
    const stream = await open({ headers: { 'last-event-id': id } });
    expect((await stream.next())?.data).toMatchObject({ changed: true });
  });

  test('is open to nobody without a token, nor with an ended session', async ({ fixture }) => {
    const cookie = `__Host-latchkey-session=${'a'.repeat(43)}`;
    for (const headers of [{}, { cookie }]) {
      const answer = await fixture.app.inject({
        url: '/events',
        headers: { host: PUBLIC_HOST, accept: 'text/event-stream', ...headers },
      });
      expect(answer.statusCode).toBe(401);
    }
  });

  test('is no longer followed when the client has gone', async ({ onTestFinished }) => {
    const stop = vi.fn();
    const changes = { current: async () => '1', follow: async () => ({ change: '1', stop }), close() {} };
    const fixture = await createHttpFixture({ deps: { changes } });
    onTestFinished(() => fixture.close());
    const stream = await opener(await listen(fixture), onTestFinished)();
    await stream.next();
    expect(stop).not.toHaveBeenCalled();
    stream.close();
    await vi.waitFor(() => expect(stop).toHaveBeenCalledTimes(1), { timeout: 20_000 });
    expect(fixture.logged()).not.toContain('"level":"error"');
  });
});

describe('the plain answer', () => {
  const ask = (fixture: HttpFixture, query = '', user = 'plain') =>
    fixture.ask({ url: `/events${query}`, user });

  test('says at once whether something has changed', async ({ fixture, change }) => {
    const first = await ask(fixture);
    expect(first.statusCode).toBe(200);
    expect(first.headers['content-type']).toContain('application/json');
    const { change: id } = first.json();
    expect(first.json()).toEqual({ change: id, changed: true });
    expect((await ask(fixture, `?after=${id}`)).json()).toEqual({ change: id, changed: false });

    await change('plain');
    expect((await ask(fixture, `?after=${id}`)).json()).toEqual({
      change: expect.not.stringMatching(`^${id}$`),
      changed: true,
    });
  });

  test.for(['?after=x', '?after=', '?after=-1', `?after=${'9'.repeat(20)}`, '?before=1'])(
    'is a 400 for %s',
    async (query, { fixture }) => {
      expect((await ask(fixture, query)).statusCode).toBe(400);
    },
  );
});

const BEAT_MS = 15;

const limited = httpTestWith(() =>
  createHttpFixture({ http: { events: { perUser: 2, perProcess: 3, beatMs: BEAT_MS } } }),
).extend('open', ({ port, onTestFinished }) => opener(port, onTestFinished));

describe('a stream', () => {
  limited('is one of a few of its user and of the process', async ({ open }) => {
    const streams = [await open(), await open()];
    const refused = await open();
    expect(refused.response.statusCode).toBe(429);
    expect(refused.response.headers['retry-after']).toBe('30');
    await open({ user: 'bob' });
    expect((await open({ user: 'eve' })).response.statusCode).toBe(429);

    streams[0]?.close();
    await vi.waitFor(async () => expect((await open()).response.statusCode).toBe(200), { timeout: 20_000 });
  });

  limited('shows that it lives, and tells pages to look again now and then', async ({ open }) => {
    const stream = await open({ user: 'looking' });
    const id = await idOf(stream);
    expect(await stream.next()).toEqual({ name: 'recheck', id, data: { change: id } });
    await stream.next();
    expect(stream.text()).toMatch(/\n\n:\n\nevent: recheck/);
  });

  limited('ends when its session ends', async ({ fixture, port, onTestFinished }) => {
    const { sessions } = fixture.deps.web;
    const id = await sessions.begin({ userId: 'signed-in', isAdmin: false });
    const headers = { host: PUBLIC_HOST, cookie: `__Host-latchkey-session=${id}` };
    const stream = await readEvents(`http://127.0.0.1:${port}/events`, headers);
    onTestFinished(stream.close);
    const names = [(await stream.next())?.name, (await stream.next())?.name, (await stream.next())?.name];
    expect(names).toEqual(['ready', 'recheck', 'recheck']);

    await sessions.end(id);
    await untilEnd(stream);
  });

  limited('ends when its token is over', async ({ port, onTestFinished }) => {
    // Clocks may differ by 5 s, so a token is good for so long after its time.
    const exp = Math.floor(Date.now() / 1000);
    const authorization = `Bearer ${await token({ sub: 'expiring', exp })}`;
    const stream = await readEvents(`http://127.0.0.1:${port}/events`, { authorization });
    onTestFinished(stream.close);
    expect((await stream.next())?.name).toBe('ready');
    await untilEnd(stream);
  });
});

async function untilEnd(stream: EventReader): Promise<void> {
  while ((await stream.next()) !== undefined);
}

async function listen({ app }: HttpFixture): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port; // The cast is safe: it listens on TCP.
}

test('a process that shuts down ends its streams at once', async ({ onTestFinished }) => {
  const fixture = await createHttpFixture();
  const stream = await opener(await listen(fixture), onTestFinished)();
  await stream.next();
  const closed = fixture.close();
  expect(await stream.next()).toBeUndefined();
  await closed;
});
