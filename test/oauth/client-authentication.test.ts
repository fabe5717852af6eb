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
