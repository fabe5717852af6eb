import { describe, expect } from 'vitest';
import { EXACT, INEXACT } from '../support/number-literals.ts';
import { notesTest } from './fixtures.ts';
import { DEPOSIT } from './http-fixture.ts';

const test = notesTest
  .extend(
    'post',
    ({ fixture }) =>
      (url: string, payload: string, scope?: string) =>
        fixture.ask({
          method: 'POST',
          url,
          headers: { 'content-type': 'application/json' },
          payload,
          ...(scope && { scope }),
        }),
  )
  .extend(
    'start',
    ({ post }) =>
      (args: string) =>
        post('/steps', `{"mcpServerId":"notes","tool":"read","arguments":${args}}`),
  );

test.beforeEach(({ fixture }) => {
  fixture.steps.started.length = 0;
});

const LONG = '918273645546372817';
const MESSAGE = expect.stringMatching(/^is a number .*string$/);

describe('arguments with an integer that a double cannot hold', () => {
  test('are a 400 that names the place and repeats no value, and nothing is started', async ({
    fixture,
    start,
  }) => {
    const answer = await start(`{"id":${LONG}}`);

    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'number-not-exact',
      detail: expect.stringContaining('arguments.id'),
      errors: [{ path: 'arguments.id', message: MESSAGE }],
    });
    expect(answer.body + fixture.logged()).not.toContain(LONG.slice(0, 12));
    expect(fixture.steps.started).toEqual([]);
  });

  test('are a 400 with each of the places', async ({ start }) => {
    const answer = await start(`{"a":[1,{"b":${LONG}}],"c":1e400,"d":"${LONG}","e":9007199254740993}`);

    expect(answer.json().errors.map(({ path }: { path: string }) => path)).toEqual([
      'arguments.a.1.b',
      'arguments.c',
      'arguments.e',
    ]);
  });

  test('are a 400 that stays small for very many of them', async ({ start }) => {
    const answer = await start(`{"ids":[${Array(40_000).fill(LONG).join()}]}`);

    expect(answer.json()).toMatchObject({ code: 'number-not-exact' });
    expect(answer.json().errors).toHaveLength(100);
    expect(answer.body.length).toBeLessThan(20_000);
  });

  test.for(INEXACT)('are refused: %s', async (literal, { start }) => {
    expect((await start(`{"x":${literal}}`)).json()).toMatchObject({ code: 'number-not-exact' });
  });
});

describe('arguments that JavaScript passes on unchanged', () => {
  test.for(EXACT)('are taken: %s', async (literal, { fixture, start }) => {
    expect((await start(`{"x":${literal}}`)).statusCode).toBe(202);
    expect(fixture.steps.started).toMatchObject([{ arguments: { x: JSON.parse(literal) } }]);
  });

  test('are taken with digits in texts, however long', async ({ fixture, start }) => {
    expect((await start(`{"id":"${LONG}","${LONG}":"1e400"}`)).statusCode).toBe(202);
    expect(fixture.steps.started).toMatchObject([{ arguments: { id: LONG, [LONG]: '1e400' } }]);
  });
});

describe('every other body', () => {
  test.for([
    ['an edit', '/steps/one/approve', `{"arguments":{"id":${LONG}}}`, 'arguments.id'],
    [
      'a result',
      '/steps/one/resolve',
      `{"action":"succeed","result":{"content":[{"n":${LONG}}]}}`,
      'result.content.0.n',
    ],
    [
      'a deposit',
      '/mcp-oauth-credentials',
      `${JSON.stringify(DEPOSIT).slice(0, -1)},"expiresIn":${LONG}}`,
      'expiresIn',
    ],
    ['an unknown field', '/steps', `{"nonsense":${LONG}}`, 'nonsense'],
    ['no object', '/steps', LONG, ''],
  ] as const)('is refused too: %s', async ([_what, url, body, path], { post }) => {
    const answer = await post(url, body);

    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'number-not-exact', errors: [{ path, message: MESSAGE }] });
  });

  test('is refused too: what an admin registers', async ({ fixture }) => {
    const answer = await fixture.askAsAdmin({
      method: 'PUT',
      url: '/mcp-servers/notes',
      headers: { 'content-type': 'application/json' },
      payload: `{"url":"https://mcp.example/mcp","auth":{"type":"none"},"maxResultBytes":${LONG}}`,
    });

    expect(answer.json()).toMatchObject({
      code: 'number-not-exact',
      errors: [{ path: 'maxResultBytes', message: MESSAGE }],
    });
  });

  test('is a 401 to a caller without a token', async ({ fixture }) => {
    const answer = await fixture.ask({
      method: 'POST',
      url: '/steps',
      user: null,
      headers: { 'content-type': 'application/json' },
      payload: `{"arguments":{"id":${LONG}}}`,
    });
    expect(answer.statusCode).toBe(401);
  });
});
