import { describe, expect } from 'vitest';
import type { DecisionOutcome } from '../../src/steps/send-decision.ts';
import { createNotesFixture, httpTestWith } from './fixtures.ts';

const test = httpTestWith(async () => {
  const fixture = await createNotesFixture();
  const payload = { mcpServerId: 'notes', tool: 't', stepId: 's1' };
  await fixture.ask({ method: 'POST', url: '/steps', payload });
  return fixture;
})
  .extend(
    'post',
    ({ fixture }) =>
      (url: string, payload?: object, user = 'alice') =>
        fixture.ask({ method: 'POST', url, user, ...(payload && { payload }) }),
  )
  .extend(
    'ask',
    ({ fixture }) =>
      (payload: object) =>
        fixture.askAsAdmin({ method: 'POST', url: '/steps/resolve-many', payload }),
  );

test.beforeEach(({ fixture }) => {
  fixture.steps.decided.length = 0;
  fixture.steps.decisionOutcome = undefined;
});

describe('a decision about a step', () => {
  test.for([
    ['approve', {}],
    ['approve', { arguments: { title: 'y', tags: [null] } }],
    ['reject', {}],
    ['reject', { reason: 'not today' }],
    ['resolve', { action: 'retry' }],
    ['resolve', { action: 'fail' }],
    ['resolve', { action: 'succeed' }],
    ['resolve', { action: 'succeed', result: { content: [{ type: 'text', text: 'done' }] } }],
    ['resolve', { action: 'succeed', result: { structuredContent: { id: 7 } } }],
  ] as const)(
    'is passed on in the name of the caller, and answers the step: %s %j',
    async ([what, message], { fixture, post }) => {
      const answer = await post(`/steps/s1/${what}`, message);
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toMatchObject({ stepId: 's1', status: 'running' });
      expect(fixture.steps.decided).toEqual([{ what, args: ['alice', 's1', message, 'alice'] }]);
    },
  );

  test.for(['approve', 'reject'])('may come without a body: %s', async (what, { fixture, post }) => {
    expect((await post(`/steps/s1/${what}`)).statusCode).toBe(200);
    expect(fixture.steps.decided).toEqual([{ what, args: ['alice', 's1', {}, 'alice'] }]);
  });

  test.for([
    ['approve', {}],
    ['reject', {}],
    ['resolve', { action: 'retry' }],
  ] as const)('of another user is not found: %s', async ([what, message], { fixture, post }) => {
    const answer = await post(`/steps/s1/${what}`, message, 'bob');
    expect(answer.statusCode).toBe(404);
    expect(answer.json().code).toBe('unknown-step');
    expect(fixture.steps.decided).toEqual([]);
  });

  test.for<[DecisionOutcome, number, string]>([
    [{ kind: 'not-waiting', message: 'no' }, 409, 'not-waiting'],
    [{ kind: 'unchecked', message: "the schema can't be had" }, 503, 'arguments-unchecked'],
    [{ kind: 'no-worker' }, 503, 'no-worker'],
  ])('that comes to %j is answered %i %s', async ([outcome, status, code], { fixture, post }) => {
    fixture.steps.decisionOutcome = outcome;
    for (const [what, message] of [
      ['approve', {}],
      ['reject', {}],
      ['resolve', { action: 'retry' }],
    ] as const) {
      const answer = await post(`/steps/s1/${what}`, message);
      expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    }
  });

  test('whose arguments the tool refuses is a 400 that says what is wrong with them', async ({
    fixture,
    post,
  }) => {
    fixture.steps.decisionOutcome = { kind: 'invalid', message: '/amount: must be number' };
    const answer = await post('/steps/s1/approve', { arguments: { amount: 'x' } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'invalid-request',
      errors: [{ path: 'arguments', message: '/amount: must be number' }],
    });
  });

  test.for([
    ['/steps/s1/approve', { arguments: [] }],
    ['/steps/s1/approve', { because: 'x' }],
    ['/steps/s1/reject', { reason: 7 }],
    ['/steps/s1/reject', { reason: 'x'.repeat(2049) }],
    ['/steps/s1/resolve', undefined],
    ['/steps/s1/resolve', {}],
    ['/steps/s1/resolve', { action: 'forget' }],
    ['/steps/s1/resolve', { action: 'retry', result: { content: [] } }],
    ['/steps/s1/resolve', { action: 'succeed', result: { content: 'x' } }],
    ['/steps/s1/resolve', { action: 'succeed', result: { stored: { id: 'x', bytes: 1 } } }],
    ['/steps/a b/approve', {}],
  ] as const)(
    'that is invalid is a 400 and is not passed on: %s %j',
    async ([url, payload], { fixture, post }) => {
      expect((await post(url, payload)).statusCode).toBe(400);
      expect(fixture.steps.decided).toEqual([]);
    },
  );
});

describe('resolving many steps', () => {
  const SPAN = { mcpServerId: "O'Neill", from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00+01:00' };

  test('answers how many there were, and passes on the filter, the decision and the caller', async ({
    ask,
    fixture,
  }) => {
    const result = { content: [] };
    const answer = await ask({ ...SPAN, action: 'succeed', result });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ resolved: 2, skipped: 1, failed: 0 });
    const many = {
      mcpServerId: "O'Neill",
      from: new Date('2026-01-01T00:00:00Z'),
      to: new Date('2026-01-01T23:00:00Z'),
      resolution: { action: 'succeed', result },
    };
    expect(fixture.steps.decided).toEqual([{ what: 'resolveMany', args: [many, 'root'] }]);
  });

  test('is for admins only', async ({ fixture, post }) => {
    const answer = await post('/steps/resolve-many', { ...SPAN, action: 'retry' });
    expect(answer.statusCode).toBe(403);
    expect(fixture.steps.decided).toEqual([]);
  });

  test.for([
    [{ action: 'retry', from: 'yesterday' }, 'from'],
    [{ action: 'retry', to: '2026-01-02' }, 'to'],
    [{ action: 'retry', to: '2025-12-31T23:59:59Z' }, 'to'],
    [{ action: 'retry', mcpServerId: '' }, 'mcpServerId'],
    [{ action: 'retry', result: { content: [] } }, 'result'],
    [{ action: 'forget' }, 'action'],
    [{ action: 'retry', userId: 'bob' }, 'userId'],
  ] as const)('refuses %j', async ([change, path], { ask, fixture }) => {
    const answer = await ask({ ...SPAN, ...change });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors.map((error: { path: string }) => error.path)).toContain(path);
    expect(fixture.steps.decided).toEqual([]);
  });
});
