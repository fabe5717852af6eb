import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import { type CodeGrantOutcome, type CodeGrantRequest, exchangeCode } from '../../src/oauth/code-grant.ts';
import {
  cut,
  inTurn,
  json,
  oauthError,
  raw,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
  trickle,
} from '../credentials/refresh/scripted-token-endpoint.ts';

let endpoint: ScriptedTokenEndpoint;

beforeEach(async () => {
  endpoint = await startScriptedTokenEndpoint();
  return () => endpoint.stop();
});

function exchange(changes: Partial<CodeGrantRequest> = {}): Promise<CodeGrantOutcome> {
  const network = createGuardedFetch({ policy: 'development' });
  onTestFinished(() => network.close(0));
  return exchangeCode(network.fetch, {
    tokenEndpoint: endpoint.url,
    addressFrom: 'user',
    clientId: 'me',
    code: 'code-1',
    redirectUri: 'https://latchkey.example/oauth/callback',
    codeVerifier: 'verifier-1',
    ...changes,
  });
}

const bodies = () => endpoint.seen.map(({ body }) => Object.fromEntries(body));

test('sends the code once, with the verifier and the same redirect URI and resource', async () => {
  endpoint.answer(tokens({ refresh_token: 'r1', scope: 'a b', id_token: 'e30.e30.' }));

  const outcome = await exchange({ resource: 'https://mcp.example' });

  expect(outcome).toEqual({
    kind: 'tokens',
    answer: { accessToken: 'a2', refreshToken: 'r1', expiresIn: 3600, scope: 'a b', idToken: 'e30.e30.' },
  });
  expect(bodies()).toEqual([
    {
      grant_type: 'authorization_code',
      client_id: 'me',
      code: 'code-1',
      redirect_uri: 'https://latchkey.example/oauth/callback',
      code_verifier: 'verifier-1',
      resource: 'https://mcp.example',
    },
  ]);
});

test('sends no resource where there is none, as Entra refuses requests with one', async () => {
  endpoint.answer(tokens());

  await exchange();

  expect(bodies()[0]).not.toHaveProperty('resource');
});

describe('the tokens of a successful answer are kept', () => {
  test.each([
    ['no token type', { token_type: undefined }],
    ['an odd token type', { token_type: 'JWT' }],
    ['an odd lifetime', { expires_in: 'soon' }],
    ['no scope', { scope: null }],
    ['an ID token that is none', { id_token: 42 }],
  ])('with %s', async (_what, changes) => {
    endpoint.answer(tokens({ refresh_token: 'r1', ...changes }));

    const outcome = await exchange();

    expect(outcome).toMatchObject({ kind: 'tokens', answer: { accessToken: 'a2', refreshToken: 'r1' } });
  });
});

describe('a refusal', () => {
  test('is returned in the words of the server, and the code is not sent again', async () => {
    endpoint.answer(oauthError('invalid_grant'));

    const outcome = await exchange({ clientSecret: 's', isMethodAssumed: true });

    expect(outcome).toMatchObject({ kind: 'refused', status: 400, codes: ['invalid_grant'], texts: ['no'] });
    expect(endpoint.seen).toHaveLength(1);
  });

  test('of an assumed authentication method is followed by the other one', async () => {
    endpoint.answer(inTurn(oauthError('invalid_client', 401), tokens()));

    const outcome = await exchange({ clientSecret: 's', isMethodAssumed: true });

    expect(outcome).toMatchObject({ kind: 'tokens' });
    expect(endpoint.seen.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, false]);
    expect(bodies()[1]).toMatchObject({ client_id: 'me', client_secret: 's' });
  });

  test('of both methods is the first one', async () => {
    endpoint.answer(inTurn(oauthError('invalid_client', 401), oauthError('invalid_grant')));

    const outcome = await exchange({ clientSecret: 's', isMethodAssumed: true });

    expect(outcome).toMatchObject({ kind: 'refused', codes: ['invalid_client'] });
  });

  test('of a stated method is final', async () => {
    endpoint.answer(oauthError('invalid_client', 401));

    await exchange({ clientSecret: 's', tokenEndpointAuthMethod: 'client_secret_post' });

    expect(endpoint.seen).toHaveLength(1);
  });

  test('with status 200 is one too', async () => {
    endpoint.answer(json(200, { error: 'bad_verification_code' }));

    expect(await exchange()).toMatchObject({ kind: 'refused', codes: ['bad_verification_code'] });
  });
});

describe('an answer that can not be used', () => {
  test.each([
    ['a 503', raw(503, ''), 'http-503'],
    ['HTML', raw(200, '<html>', { 'content-type': 'text/html' }), 'http-200'],
    ['a redirect', raw(302, '', { location: '/elsewhere' }), 'http-302'],
    ['a 429', raw(429, ''), 'rate-limited'],
    ['a cut connection', cut(), 'reset'],
  ])('is %s', async (_what, reply, cause) => {
    endpoint.answer(reply);

    expect(await exchange()).toEqual({ kind: 'failed', cause });
    expect(endpoint.seen).toHaveLength(1);
  });

  test('is one that does not end within a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    endpoint.answer(trickle());
    const exchanging = exchange();
    await endpoint.arrived(1);

    await vi.advanceTimersByTimeAsync(60_000);

    expect(await exchanging).toEqual({ kind: 'failed', cause: 'timeout' });
  });

  test('is none, where the address is not allowed', async () => {
    const outcome = await exchange({ tokenEndpoint: 'http://169.254.169.254/token' });

    expect(outcome).toEqual({ kind: 'failed', cause: 'address-refused' });
  });
});

test('redacts the code where the server quotes it in the scope', async () => {
  endpoint.answer(tokens({ scope: 'a code-1' }));

  expect(await exchange()).toMatchObject({ answer: { scope: 'a' } });
});
