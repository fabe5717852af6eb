import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
} from 'jose';
import { expect, test } from 'vitest';
import { type ClientCredentials, clientAuthentication } from '../../src/oauth/client-authentication.ts';

const BASIC = { authorization: `Basic ${btoa('me:s')}`, body: '' };

test.each<[ClientCredentials, { authorization: string | null; body: string }]>([
  [{}, { authorization: null, body: '' }],
  [{ clientId: 'me' }, { authorization: null, body: 'client_id=me' }],
  [{ clientId: 'me', clientSecret: 's' }, BASIC],
  [{ clientId: 'me', clientSecret: 's', tokenEndpointAuthMethod: 'client_secret_basic' }, BASIC],
  [
    { clientId: 'me', clientSecret: 's', tokenEndpointAuthMethod: 'client_secret_post' },
    { authorization: null, body: 'client_id=me&client_secret=s' },
  ],
  [
    { clientId: 'me', clientSecret: 's', tokenEndpointAuthMethod: 'none' },
    { authorization: null, body: 'client_id=me' },
  ],
])('%o', (client, expected) => {
  const headers = new Headers();
  const body = new URLSearchParams();

  void clientAuthentication(client)({ issuer: '' }, { client_id: client.clientId ?? '' }, body, headers);

  expect({ authorization: headers.get('authorization'), body: String(body) }).toEqual(expected);
});

// RFC 6749 §2.3.1 and appendix B: an endpoint that decodes reads the same value. Most ids and secrets consist of
// characters that an endpoint without decoding reads correctly too.
test.each([
  ['letters, digits and -._ bare', '6fa459ea-ee8a-3ca4-894e-db77e160355e', 'a-b.c_D9'],
  ['a tilde encoded', 'me', 'a~b', '%7E'],
  ['a colon encoded, in the id too', 'https://client.example', 'a:b', '%3A'],
  ['a percent sign encoded', 'me', '100%', '%25'],
  ['a plus sign encoded', 'me', 'a+b', '%2B'],
  ['a space as a plus sign', 'me', 'a b', '+'],
  ["what else is special encoded: !*'()/&=", 'me', "!*'()/&=", '%2A'],
  ['what is not ASCII encoded as UTF-8', 'zoë', 'пароль🔑', '%D0%BF'],
])('Basic has %s', (_what, clientId, clientSecret, encoded = clientSecret) => {
  const headers = new Headers();

  void clientAuthentication({ clientId, clientSecret })(
    { issuer: '' },
    { client_id: clientId },
    new URLSearchParams(),
    headers,
  );

  const [id = '', secret = ''] = atob(headers.get('authorization')?.slice('Basic '.length) ?? '').split(':');
  expect(secret).toContain(encoded);
  expect(`${id}${secret}`).toMatch(/^[A-Za-z0-9._+%-]+$/);
  const decoded = [id, secret].map((text) => new URLSearchParams(`v=${text}`).get('v'));
  expect(decoded).toEqual([clientId, clientSecret]);
});

async function newKey(alg: string): Promise<{ privateKey: JWK; publicKey: JWK }> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const more = { alg, kid: 'key-1' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...more },
    publicKey: { ...(await exportJWK(pair.publicKey)), ...more },
  };
}

// RFC 7523 §2.2 and §3.
test.each(['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA'])('private_key_jwt signs with %s', async (alg) => {
  const { privateKey, publicKey } = await newKey(alg);
  const headers = new Headers();
  const body = new URLSearchParams();
  const client = { clientId: 'me', clientSecret: 's', privateKey, issuer: 'https://as.example' };

  await clientAuthentication(client)(
    { issuer: 'https://as.example/token' },
    { client_id: 'me' },
    body,
    headers,
  );

  expect(headers.get('authorization')).toBeNull();
  expect([...body.keys()].sort()).toEqual(['client_assertion', 'client_assertion_type', 'client_id']);
  expect(body.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
  const assertion = body.get('client_assertion') ?? '';
  expect(decodeProtectedHeader(assertion)).toEqual({ alg, kid: 'key-1' });
  const expected = { issuer: 'me', subject: 'me', audience: 'https://as.example' };
  const { payload } = await jwtVerify(assertion, await importJWK(publicKey), expected);
  expect(payload).toMatchObject({
    jti: expect.any(String),
    exp: expect.any(Number),
    iat: expect.any(Number),
  });
});

test('private_key_jwt never sends the same assertion twice', async () => {
  const { privateKey } = await newKey('ES256');
  const ids = new Set<unknown>();
  for (let time = 0; time < 2; time += 1) {
    const body = new URLSearchParams();
    const authenticate = clientAuthentication({ clientId: 'me', privateKey });
    await authenticate({ issuer: 'https://as.example/token' }, { client_id: 'me' }, body, new Headers());
    const claims = decodeJwt(body.get('client_assertion') ?? '');
    expect(claims.aud).toBe('https://as.example/token');
    ids.add(claims.jti);
  }
  expect(ids.size).toBe(2);
});
