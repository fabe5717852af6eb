import { describe, expect, test } from 'vitest';
import { fromNango, type NangoOptions } from '../../../src/commands/import/from-nango.ts';
import { toEntry } from '../../../src/commands/import/to-entry.ts';
import { candidatesIn, NO_MAPS } from './collect.ts';

const OPTIONS: NangoOptions = { ...NO_MAPS, userField: undefined, accountField: undefined };
const TARGET = {
  mcpServerId: 'ledger',
  tokenEndpoint: 'https://as.example/token',
  clientId: 'app',
  clientSecret: 's',
};
const MAPPED: NangoOptions = { ...OPTIONS, targets: new Map([['ledger-prod', TARGET]]) };

/** Shaped like an answer of `GET /connections/:connectionId`. */
function connection(changes: object = {}, credentials: object = {}) {
  return {
    id: 7,
    connection_id: '0f7a…',
    provider_config_key: 'ledger-prod',
    provider: 'ledger',
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    last_fetched_at: null,
    metadata: { userId: 'u-42' },
    errors: [],
    end_user: null,
    tags: { end_user_id: 'ada' },
    connection_config: {},
    credentials: {
      type: 'OAUTH2',
      access_token: 'at-1',
      refresh_token: 'rt-1',
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      // An integer that JavaScript rounds: it is not used.
      raw: { access_token: 'at-1', team: 12345678901234567890n.toString() },
      ...credentials,
    },
    ...changes,
  };
}

const one = async (options: NangoOptions, record: object) => {
  const [found] = await candidatesIn(fromNango(options), [record]);
  if (found === undefined) throw new Error('there is no candidate');
  return found;
};

describe('a connection of Nango', () => {
  test('becomes a deposit with the token endpoint and the client of the map', async () => {
    const candidate = await one(MAPPED, connection());
    expect(candidate).toEqual({
      kind: 'candidate',
      line: 1,
      userId: 'ada',
      body: { ...TARGET, refreshToken: 'rt-1', accessToken: 'at-1', expiresIn: expect.any(Number) },
    });
    expect(candidate.kind === 'candidate' && toEntry(candidate).kind).toBe('entry');
  });

  test('brings no access token that has expired', async () => {
    const candidate = await one(MAPPED, connection({}, { expires_at: '2026-01-01T00:00:00.000Z' }));
    expect(candidate).toMatchObject({ body: { ...TARGET, refreshToken: 'rt-1' } });
    expect(candidate).not.toHaveProperty('body.accessToken');
  });

  test('with a client of its own leaves the secret of the map', async () => {
    const candidate = await one(MAPPED, connection({}, { config_override: { client_id: 'own' } }));
    expect(candidate).toMatchObject({ body: { clientId: 'own', tokenEndpoint: TARGET.tokenEndpoint } });
    expect(candidate).not.toHaveProperty('body.clientSecret');
  });

  test('with a client of its own leaves the secret of the discovered one', async () => {
    const discovered = {
      client_id: 'registered',
      client_secret: 'its-secret',
      client_secret_expires_at: 1_893_456_000,
      token_endpoint_auth_method: 'client_secret_basic',
    };
    const connection_config = { oauth_client_info: JSON.stringify(discovered) };
    const of = (client_id: string) =>
      one(OPTIONS, connection({ connection_config }, { config_override: { client_id } }));
    expect(await of('own')).toMatchObject({
      body: { refreshToken: 'rt-1', clientId: 'own' },
    });
    for (const field of ['clientSecret', 'clientSecretExpiresAt', 'tokenEndpointAuthMethod']) {
      expect(await of('own')).not.toHaveProperty(`body.${field}`);
      expect(await of('registered')).toHaveProperty(`body.${field}`);
    }
  });

  test.for([1e13, -1e20, 8.64e12, -62_135_596_801])(
    'with a client secret that expires at %d is taken without the date',
    async (client_secret_expires_at) => {
      const stored = { client_id: 'registered', client_secret: 's', client_secret_expires_at };
      const connection_config = { oauth_client_info: JSON.stringify(stored) };
      const candidate = await one(MAPPED, connection({ connection_config }));
      expect(candidate).toMatchObject({ body: { clientId: 'registered', clientSecret: 's' } });
      expect(candidate).not.toHaveProperty('body.clientSecretExpiresAt');
      expect(candidate.kind === 'candidate' && toEntry(candidate).kind).toBe('entry');
    },
  );

  test('to a discovered MCP server needs no map', async () => {
    const connection_config = {
      mcp_server_url: 'https://ledger.example/mcp',
      oauth_metadata: JSON.stringify({
        issuer: 'https://as.example',
        token_endpoint: 'https://as.example/t',
      }),
      oauth_client_info: JSON.stringify({
        client_id: 'registered',
        client_secret: 'its-secret',
        client_secret_expires_at: 1_893_456_000,
        token_endpoint_auth_method: 'client_secret_post',
      }),
      oauth_resource_url: 'https://ledger.example/mcp',
    };
    expect(await one(OPTIONS, connection({ connection_config }))).toMatchObject({
      body: {
        mcpServerId: 'ledger-prod',
        issuer: 'https://as.example',
        tokenEndpoint: 'https://as.example/t',
        resource: 'https://ledger.example/mcp',
        clientId: 'registered',
        clientSecret: 'its-secret',
        clientSecretExpiresAt: '2030-01-01T00:00:00.000Z',
        tokenEndpointAuthMethod: 'client_secret_post',
      },
    });
  });

  test.for([
    ['its tag', OPTIONS, connection(), 'ada'],
    ['its end user', OPTIONS, connection({ tags: {}, end_user: { id: 'bob' } }), 'bob'],
    ['a named field', { ...OPTIONS, userField: 'metadata.userId' }, connection(), 'u-42'],
    ['the user map', { ...OPTIONS, users: new Map([['ada', 'ada@here']]) }, connection(), 'ada@here'],
  ] as const)('is of the user of %s', async ([, options, record, userId]) => {
    expect(await one(options, record)).toMatchObject({ userId });
  });

  test('is of the account that a named field has', async () => {
    const candidate = await one({ ...OPTIONS, accountField: 'connection_id' }, connection());
    expect(candidate).toMatchObject({ body: { account: '0f7a…' } });
  });

  test.for([
    ['invalid-record', OPTIONS, { nothing: 'of Nango' }],
    ['unsupported-credentials', OPTIONS, connection({}, { type: 'API_KEY', apiKey: 'rt-1' })],
    ['no-refresh-token', OPTIONS, connection({}, { refresh_token: undefined })],
    ['no-user', OPTIONS, connection({ tags: {} })],
    ['unmapped-user', { ...OPTIONS, users: new Map() }, connection()],
    ['unmapped-server', { ...OPTIONS, targets: new Map() }, connection()],
  ] as const)('fails as %s, without a value', async ([code, options, record]) => {
    const failure = await one(options, record);
    expect(failure).toMatchObject({ kind: 'failed', line: 1, code });
    expect(JSON.stringify(failure)).not.toMatch(/rt-1|at-1|ada|ledger-prod/);
  });
});
