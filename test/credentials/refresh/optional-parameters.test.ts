import { describe, expect } from 'vitest';
import type { Deposit } from '../../../src/schemas/deposit.ts';
import { readRow } from '../credential-row.ts';
import { variantTest as test } from '../fixtures.ts';
import {
  inTurn,
  oauthError,
  type SeenTokenRequest,
  type TokenReply,
  tokens,
} from './scripted-token-endpoint.ts';

const carried = ({ body }: SeenTokenRequest) => ['scope', 'resource'].filter((name) => body.has(name));
const SCOPES = { scopes: 'notes.read notes.write' };
const RESOURCE = { resource: 'https://mcp.example/mcp' };

/** Refuses requests that carry one of these parameters, with its error code. */
const refusing =
  (words: Record<string, string>): TokenReply =>
  (response, request) => {
    const parameter = Object.keys(words).find((name) => request.body.has(name));
    const reply = parameter === undefined ? tokens() : oauthError(words[parameter] ?? '');
    reply(response, request);
  };

describe('an optional parameter that the endpoint refuses', () => {
  test.for<[string, Partial<Deposit>, Record<string, string>, string[][]]>([
    ['scope, invalid_scope', SCOPES, { scope: 'invalid_scope' }, [['scope'], []]],
    ['scope, invalid_request', SCOPES, { scope: 'invalid_request' }, [['scope'], []]],
    ['resource, invalid_target', RESOURCE, { resource: 'invalid_target' }, [['resource'], []]],
    ['resource, invalid_request', RESOURCE, { resource: 'invalid_request' }, [['resource'], []]],
    [
      'both carried, scope refused',
      { ...SCOPES, ...RESOURCE },
      { scope: 'invalid_request' },
      [['scope', 'resource'], ['resource']],
    ],
    [
      'both carried, resource refused',
      { ...SCOPES, ...RESOURCE },
      { resource: 'invalid_request' },
      [['scope', 'resource'], ['resource'], ['scope']],
    ],
    [
      'both refused in one word',
      { ...SCOPES, ...RESOURCE },
      { scope: 'invalid_request', resource: 'invalid_request' },
      [['scope', 'resource'], ['resource'], ['scope'], []],
    ],
    [
      'both refused in their own words',
      { ...SCOPES, ...RESOURCE },
      { scope: 'invalid_scope', resource: 'invalid_target' },
      [['scope', 'resource'], ['resource'], []],
    ],
  ])(
    'is left out at once and in later refreshes: %s',
    async ([_what, said, words, expected], { deposit, endpoint, fixture, key, renew, requests }) => {
      await deposit(key, said);
      endpoint.answer(refusing(words));

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      expect(requests().map(carried)).toEqual(expected);
      expect(await readRow(fixture.pool, key)).toMatchObject({
        status: 'connected',
        grantSeq: 1,
        storedSeq: 1,
      });

      expect(await renew(key)).toMatchObject({ kind: 'renewed' });
      expect(requests().map(carried)).toEqual([...expected, expected.at(-1)]);
    },
  );

  test('is still sent for other users', async ({
    deposit,
    endpoint,
    fixture,
    key,
    renew,
    requests,
    server,
  }) => {
    await deposit(key, SCOPES);
    endpoint.answer(refusing({ scope: 'invalid_scope' }));
    await renew(key);
    const other = fixture.newKey(server);
    await deposit(other, { ...SCOPES, refreshToken: 'r9' });
    await renew(other);

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope'], []]);
  });

  test('is sent again after a deposit', async ({ deposit, endpoint, key, renew, requests }) => {
    await deposit(key, SCOPES);
    endpoint.answer(refusing({ scope: 'invalid_scope' }));
    await renew(key);
    await deposit(key, { ...SCOPES, refreshToken: 'r2' });
    endpoint.answer(tokens());
    await renew(key);

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope']]);
  });

  test.for([
    ['invalid_scope', SCOPES, 2],
    ['invalid_target', RESOURCE, 2],
    ['invalid_request', { ...SCOPES, ...RESOURCE }, 4],
    ['invalid_scope', RESOURCE, 1],
    ['invalid_request', {}, 1],
  ] as const)(
    'is not blamed when %s comes without it too (%#)',
    async ([error, said, times], { deposit, endpoint, fixture, key, renew, requests }) => {
      await deposit(key, said);
      endpoint.answer(oauthError(error));

      expect(await renew(key)).toEqual({ kind: 'misconfigured', message: expect.stringContaining(error) });

      expect(requests()).toHaveLength(times);
      expect(await readRow(fixture.pool, key)).toMatchObject({
        status: 'connected',
        grantSeq: 0,
        isLeased: false,
      });
    },
  );

  test('is sent again when the request without it did not succeed', async ({
    deposit,
    endpoint,
    key,
    renew,
    requests,
  }) => {
    await deposit(key, SCOPES);
    endpoint.answer(inTurn(oauthError('invalid_scope'), oauthError('temporarily_unavailable'), tokens()));
    expect(await renew(key)).toMatchObject({ kind: 'unavailable' });
    await renew(key);

    expect(requests().map(carried)).toEqual([['scope'], [], ['scope']]);
  });

  test('does not hide a verdict on the grant', async ({ deposit, endpoint, key, renew }) => {
    await deposit(key, SCOPES);
    endpoint.answer(inTurn(oauthError('invalid_scope'), oauthError('invalid_grant')));

    expect(await renew(key)).toMatchObject({ kind: 'reauth-required', reason: 'invalid-grant' });
  });
});
