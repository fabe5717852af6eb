import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

/** An OpenID provider whose answers a test sets. It has no pages: the test makes up the code. */
export interface ScriptedProvider {
  issuer: string;
  /** The claims of the next id tokens, beside `iss`, `aud`, `iat` and `exp`. */
  idToken: Record<string, unknown>;
  /** The answer of the userinfo endpoint. Undefined: none is announced. */
  userinfo: Record<string, unknown> | undefined;
  /** Members of the discovery document that replace the right ones. */
  metadata: Record<string, unknown>;
  /** The status and body of the token endpoint, instead of tokens. */
  tokenFailure: { status: number; body: object } | undefined;
  close(): Promise<void>;
}

export async function startScriptedProvider(clientId: string): Promise<ScriptedProvider> {
  const server = createServer((request, response) => {
    void answer(provider, clientId, request.url ?? '').then((body) => send(response, body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo; // The cast is safe: it listens on TCP.
  const provider: ScriptedProvider = {
    issuer: `http://127.0.0.1:${port}`,
    idToken: {},
    userinfo: undefined,
    metadata: {},
    tokenFailure: undefined,
    close: () => new Promise((done) => void server.close(() => done())),
  };
  return provider;
}

interface Answer {
  status: number;
  body: object;
}

async function answer(provider: ScriptedProvider, clientId: string, path: string): Promise<Answer> {
  const { issuer } = provider;
  switch (path) {
    case '/.well-known/openid-configuration':
      return { status: 200, body: { ...metadataOf(provider), ...provider.metadata } };
    case '/token':
      return provider.tokenFailure ?? { status: 200, body: await tokens(provider, clientId) };
    case '/userinfo':
      return { status: 200, body: provider.userinfo ?? {} };
    default:
      return { status: 404, body: { issuer } };
  }
}

function metadataOf({ issuer, userinfo }: ScriptedProvider) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['HS256'],
    ...(userinfo && { userinfo_endpoint: `${issuer}/userinfo` }),
  };
}

async function tokens({ issuer, idToken }: ScriptedProvider, clientId: string) {
  const claims = { iss: issuer, aud: clientId, iat: now(), exp: now() + 60, ...idToken };
  const signed = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
  return { access_token: 'at-of-the-provider', token_type: 'bearer', id_token: await signed };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
