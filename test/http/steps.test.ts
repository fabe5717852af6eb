import { describe, expect } from 'vitest';
import { STEP, stepsTest } from './fixtures.ts';
import { registerServer } from './http-fixture.ts';

const test = stepsTest.extend(
  'startWith',
  ({ fixture }) =>
    (argumentsJson: string) =>
      fixture.ask({
        method: 'POST',
        url: '/steps',
        headers: { 'content-type': 'application/json' },
        payload: `{"mcpServerId":"notes","tool":"t","arguments":${argumentsJson}}`,
      }),
);

test.beforeEach(({ fixture }) => {
  fixture.steps.started.length = 0;
});

describe('starting a step', () => {
  test('answers 202 with the step and where it is', async ({ fixture, start }) => {
    const answer = await start({
      ...STEP,
      stepId: 'one',
      title: 'A note',
      timeouts: { call: '30s', reauth: '30 days' },
    });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe('/steps/one');
    expect(answer.json()).toMatchObject({
      stepId: 'one',
      status: 'running',
      tool: 'create_note',
      timeline: [{}],
    });
    expect(fixture.steps.started).toEqual([
      {
        ...STEP,
        stepId: 'one',
        title: 'A note',
        timeouts: { call: '30s', reauth: '30 days' },
        userId: 'alice',
      },
    ]);
  });

  test('gives it an id where the caller gives none', async ({ start }) => {
    const ids = [(await start(STEP)).json().stepId, (await start(STEP)).json().stepId];
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(ids).size).toBe(2);
  });

  test('answers 200 when the same is asked again, and 409 for another request under that id', async ({
    fixture,
    start,
  }) => {
    expect((await start({ ...STEP, stepId: 'again' })).statusCode).toBe(202);
    const same = await start({ ...STEP, stepId: 'again' });
    expect(same.statusCode).toBe(200);
    expect(same.json().stepId).toBe('again');
    const other = await start({ ...STEP, stepId: 'again', tool: 'delete_note' });
    expect(other.statusCode).toBe(409);
    expect(other.json().code).toBe('step-conflict');
    expect(fixture.steps.started).toHaveLength(1);
  });

  test('for a server that is not registered is a 404, and nothing is started', async ({ fixture, start }) => {
    const answer = await start({ ...STEP, mcpServerId: 'nobody' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json().code).toBe('unknown-server');
    expect(fixture.steps.started).toEqual([]);
  });

  test.for([
    { mode: 'fully-automated', sideEffects: 'auto' },
    { mode: 'automated-with-confirmation' },
    { mode: 'confirm-destructive' },
    { sideEffects: 'read-only' },
    { sideEffects: 'idempotent' },
    { sideEffects: 'unsafe' },
  ])('passes on how it is to be treated: %j', async (change, { fixture, start }) => {
    expect((await start({ ...STEP, ...change })).statusCode).toBe(202);
    expect(fixture.steps.started).toEqual([expect.objectContaining(change)]);
  });

  test.for([
    ['an unknown field', { priority: 1 }, 'priority'],
    ['the user of somebody else', { userId: 'bob' }, 'userId'],
    ['no server', { mcpServerId: undefined }, 'mcpServerId'],
    ['a server id with a control character', { mcpServerId: 'a\nb' }, 'mcpServerId'],
    ['no tool', { tool: undefined }, 'tool'],
    ['a tool that is no text', { tool: 7 }, 'tool'],
    ['arguments that are a list', { arguments: [] }, 'arguments'],
    ['arguments that are null', { arguments: null }, 'arguments'],
    ['a step id with a slash', { stepId: 'a/b' }, 'stepId'],
    ['an empty step id', { stepId: '' }, 'stepId'],
    ['a step id that is too long', { stepId: 'x'.repeat(129) }, 'stepId'],
    ['an unknown mode', { mode: 'yolo' }, 'mode'],
    ['unknown side effects', { sideEffects: 'none' }, 'sideEffects'],
    ['a timeout that is no duration', { timeouts: { call: 'soon' } }, 'timeouts.call'],
    ['a timeout over its ceiling', { timeouts: { call: '2h' } }, 'timeouts.call'],
    ['a timeout of nothing', { timeouts: { reauth: '0s' } }, 'timeouts.reauth'],
    ['an unknown timeout', { timeouts: { lunch: '1h' } }, 'timeouts.lunch'],
  ] as const)(
    'with %s is a 400, and nothing is started',
    async ([_what, change, path], { fixture, start }) => {
      const answer = await start({ ...STEP, ...change });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
      expect(answer.json().errors.map((error: { path: string }) => error.path)).toContain(path);
      expect(fixture.steps.started).toEqual([]);
    },
  );
});

describe('the arguments of a step', () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

  test('are any JSON object', async ({ fixture, startWith }) => {
    const given = `{"":0,"ü":"\\u0000🔑","big":1e300,"deep":${nested(90)},"list":[[],{},null,true]}`;
    expect((await startWith(given)).statusCode).toBe(202);
    expect(fixture.steps.started.at(-1)?.arguments).toEqual(JSON.parse(given));
  });

  test.for([
    ['nest too deeply to be written as JSON again', nested(150_000)],
    ['nest more than a hundred levels', nested(101)],
    ['would change a prototype', '{"__proto__":{"isAdmin":true}}'],
    ['would change a prototype deep inside', '{"a":[{"__proto__":{}}]}'],
    ['would change a constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'],
  ] as const)(
    'are refused where they %s, and nothing is started',
    async ([_what, given], { fixture, startWith }) => {
      const answer = await startWith(given);
      expect(answer.statusCode).toBe(400);
      expect(answer.json().code).toBe('invalid-request');
      expect(fixture.steps.started).toEqual([]);
    },
  );
});

describe('a step', () => {
  test('is not found by another user, whatever is asked of it, and stays as it is', async ({
    fixture,
    get,
    list,
    start,
  }) => {
    await start({ ...STEP, stepId: 'mine' }, 'alice');
    for (const [method, url] of [
      ['GET', '/steps/mine'],
      ['GET', '/steps/mine?wait=30s'],
      ['DELETE', '/steps/mine'],
    ] as const) {
      const answer = await fixture.ask({ method, url, user: 'bob' });
      expect(answer.statusCode).toBe(404);
      expect(answer.json().code).toBe('unknown-step');
    }
    expect((await list({}, 'bob')).json().steps).toEqual([]);
    expect((await get('mine')).json().status).toBe('running');
  });

  test('of another user leaves its id free', async ({ get, start }) => {
    expect((await start({ ...STEP, stepId: 'shared' }, 'alice')).statusCode).toBe(202);
    expect((await start({ ...STEP, stepId: 'shared', tool: 'other' }, 'bob')).statusCode).toBe(202);
    expect((await get('shared', 'alice')).json().tool).toBe('create_note');
  });

  test('is cancelled with 202', async ({ fixture, get, start }) => {
    await start({ ...STEP, stepId: 'unwanted' });
    const answer = await fixture.ask({ method: 'DELETE', url: '/steps/unwanted' });
    expect([answer.statusCode, answer.body]).toEqual([202, '']);
    expect((await get('unwanted')).json().status).toBe('cancelled');
    expect((await fixture.ask({ method: 'DELETE', url: '/steps/never' })).statusCode).toBe(404);
  });

  test.for(['a%2Fb', 'a%20b', 'x'.repeat(129), '%C3%BC'])('has no id such as %s', async (stepId, { get }) => {
    const answer = await get(stepId);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors[0].path).toBe('stepId');
  });

  test('goes out whole: its result, timeline and error are not cut', async ({ fixture, get, start }) => {
    await start({ ...STEP, stepId: 'whole' });
    const change = {
      status: 'error',
      result: {
        content: [{ type: 'text', text: 'no', _meta: { odd: [1] } }],
        structuredContent: { a: { b: 1 } },
      },
      error: { code: 'tool-error', message: 'no' },
      timeline: [{ at: '2026-01-01T00:00:00.000Z', event: 'called', attempt: 1, cause: 'x' }],
    } as const;
    fixture.steps.change('alice', 'whole', {
      ...change,
      timeline: [...change.timeline],
      result: { ...change.result, content: [...change.result.content] },
    });
    expect((await get('whole')).json()).toMatchObject(change);
  });
});

describe('listing steps', () => {
  test('pages by cursor, 20 at a time unless told otherwise', async ({ list, start }) => {
    for (let i = 0; i < 25; i++) await start({ ...STEP, stepId: `page-${i}` }, 'pager');
    const first = (await list({}, 'pager')).json();
    expect(first.steps).toHaveLength(20);
    const second = (await list({ cursor: first.nextCursor }, 'pager')).json();
    expect(second.steps).toHaveLength(5);
    expect(second).not.toHaveProperty('nextCursor');
    expect((await list({ limit: '100' }, 'pager')).json().steps).toHaveLength(25);
    expect((await list({ limit: '1' }, 'pager')).json().steps).toHaveLength(1);
  });

  test('filters by server', async ({ fixture, list, start }) => {
    await registerServer(fixture, 'mail');
    await start({ ...STEP, stepId: 'at-notes' }, 'chooser');
    await start({ ...STEP, stepId: 'at-mail', mcpServerId: 'mail' }, 'chooser');
    const ids = async (query: Record<string, string>) =>
      (await list(query, 'chooser')).json().steps.map((step: { stepId: string }) => step.stepId);
    expect(await ids({ mcpServerId: 'mail' })).toEqual(['at-mail']);
    expect(await ids({ mcpServerId: 'mail', status: 'error' })).toEqual([]);
    expect((await list({ mcpServerId: '' }, 'chooser')).statusCode).toBe(400);
  });

  test('filters by status', async ({ fixture, list, start }) => {
    await start({ ...STEP, stepId: 'open' }, 'filterer');
    await start({ ...STEP, stepId: 'gone' }, 'filterer');
    fixture.steps.change('filterer', 'gone', { status: 'cancelled' });
    const ids = async (status: string) =>
      (await list({ status }, 'filterer')).json().steps.map((step: { stepId: string }) => step.stepId);
    expect(await ids('running')).toEqual(['open']);
    expect(await ids('cancelled')).toEqual(['gone']);
  });

  test.for([
    [{ status: 'done' }, 'status'],
    [{ limit: '0' }, 'limit'],
    [{ limit: '101' }, 'limit'],
    [{ limit: 'ten' }, 'limit'],
    [{ limit: '1.5' }, 'limit'],
    [{ cursor: '' }, 'cursor'],
    [{ cursor: 'made up' }, 'cursor'],
    [{ sort: 'asc' }, 'sort'],
  ] as const)('refuses %j', async ([query, path], { list }) => {
    const answer = await list(query);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ path, message: expect.any(String) }]);
  });
});
