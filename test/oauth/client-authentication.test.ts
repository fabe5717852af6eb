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
