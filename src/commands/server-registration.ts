import { present } from '../contracts/present.ts';
import { CommandRefused } from './command-refused.ts';
import { readSource, refuseSharedStdin, SOURCES, sourceOf } from './input-source.ts';
import { readJsonObject } from './json-input.ts';
import { readSecret } from './secret-input.ts';

export const AUTH_TYPES = ['oauth2', 'bearer', 'none'] as const;

/** The options of `latchkey servers add` that are part of the registration. */
export interface RegistrationFlags {
  auth: (typeof AUTH_TYPES)[number];
  token?: string;
  clientId?: string;
  clientSecret?: string;
  privateKey?: string;
  tokenEndpointAuthMethod?: string;
  scopes?: string;
  authorizationServer?: string;
  authorizationEndpoint?: string;
  tokenEndpoint?: string;
  revocationEndpoint?: string;
  authorizationParam?: Record<string, string>;
  resource?: string;
  idleLimit?: string;
  title?: string;
  headers?: string;
  trustAnnotations?: true;
  maxResultBytes?: number;
  maxConcurrentCalls?: number;
  paused?: true;
}

/** The options that go with `--auth oauth2` only. */
const OAUTH2_OPTIONS = [
  ...['clientId', 'clientSecret', 'privateKey', 'tokenEndpointAuthMethod', 'scopes', 'authorizationServer'],
  ...['authorizationEndpoint', 'tokenEndpoint', 'revocationEndpoint', 'authorizationParam', 'resource'],
  'idleLimit',
] as const;

/**
 * Returns the body of `PUT /mcp-servers/:id`, with the secrets read from their sources. The API checks the rest.
 *
 * @throws CommandRefused
 */
export async function registrationOf(url: string, flags: RegistrationFlags): Promise<object> {
  const { token, clientSecret, privateKey, headers } = flags;
  refuseSharedStdin({
    '<url>': url,
    '--token': token,
    '--client-secret': clientSecret,
    '--private-key': privateKey,
    '--headers': headers,
  });
  const { title, trustAnnotations, maxResultBytes, maxConcurrentCalls, paused } = flags;
  return {
    url: await readUrl(url),
    auth: await authOf(flags),
    ...present({ title, trustAnnotations, maxResultBytes, maxConcurrentCalls, paused }),
    ...(headers !== undefined && { headers: await readHeaders(headers) }),
  };
}

async function readUrl(url: string): Promise<string> {
  const source = sourceOf(url);
  return source === undefined ? url : (await readSource(source)).trim();
}

/** Headers may hold secrets, such as an API key. */
async function readHeaders(value: string): Promise<object> {
  if (sourceOf(value) !== undefined) return readJsonObject('--headers', value);
  throw new CommandRefused(`--headers may hold secrets, so it takes ${SOURCES}.`);
}

async function authOf(flags: RegistrationFlags): Promise<object> {
  const { auth: type, token } = flags;
  const misplaced = type === 'oauth2' ? [] : OAUTH2_OPTIONS.filter((name) => flags[name] !== undefined);
  if (type !== 'bearer' && token !== undefined) throw onlyWith('--token', 'bearer');
  if (misplaced[0] !== undefined) throw onlyWith(optionOf(misplaced[0]), 'oauth2');
  switch (type) {
    case 'none':
      return { type };
    case 'bearer':
      if (token === undefined) throw new CommandRefused(`--auth bearer needs --token: ${SOURCES}.`);
      return { type, token: await readSecret('--token', token) };
    case 'oauth2':
      return { type, ...(await oauth2Of(flags)) };
    default:
      return type satisfies never;
  }
}

async function oauth2Of({ clientSecret, privateKey, ...flags }: RegistrationFlags): Promise<object> {
  const { clientId, tokenEndpointAuthMethod, scopes, authorizationServer, authorizationEndpoint } = flags;
  const { tokenEndpoint, revocationEndpoint, authorizationParam, resource, idleLimit } = flags;
  return {
    ...present({ clientId, tokenEndpointAuthMethod, scopes, authorizationServer, authorizationEndpoint }),
    ...present({ tokenEndpoint, revocationEndpoint, resource, idleLimit }),
    ...present({ authorizationParams: authorizationParam }),
    ...(clientSecret !== undefined && { clientSecret: await readSecret('--client-secret', clientSecret) }),
    ...(privateKey !== undefined && { privateKey: await readPrivateKey(privateKey) }),
  };
}

async function readPrivateKey(value: string): Promise<unknown> {
  const jwk = await readSecret('--private-key', value);
  try {
    return JSON.parse(jwk);
  } catch {
    throw new CommandRefused('--private-key must be a JWK, as JSON.');
  }
}

function onlyWith(option: string, type: string): CommandRefused {
  return new CommandRefused(`${option} only goes with --auth ${type}.`);
}

/** `clientId` becomes `--client-id`. */
function optionOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
