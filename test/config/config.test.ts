import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  type Config,
  formatProblems,
  loadConfig,
  type Role,
  type TemporalConnection,
} from '../../src/config/load-config.ts';

const ROLES = ['operator', 'worker', 'server', 'dev'] as const satisfies Role[];
const KEY = randomBytes(32);
const JWT_SECRET = 'a-secret-of-no-less-than-32-bytes';

const MINIMAL = {
  DATABASE_URL: 'postgres://latchkey:pw@db.example:5432/latchkey',
  ENCRYPTION_KEYS: `k1:${KEY.toString('base64')}`,
  JWT_SECRET,
};

const JWKS = {
  JWT_JWKS_URL: 'https://issuer.example/jwks',
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'latchkey',
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

type Env = Record<string, string | undefined>;

function configOf<R extends Role>(role: R, env: Env): Config<R> {
  const loaded = loadConfig(role, env);
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
  return loaded.config;
}

function problemsOf(role: Role, env: Env): Record<string, string[]> {
  const loaded = loadConfig(role, env);
  const found: Record<string, string[]> = {};
  for (const { variable, problem } of loaded.ok ? [] : loaded.problems) {
    found[variable] = [...(found[variable] ?? []), problem];
  }
  return found;
}

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('what a role needs', () => {
  test.each([
    ['operator', ['DATABASE_URL', 'ENCRYPTION_KEYS']],
    ['worker', ['DATABASE_URL', 'ENCRYPTION_KEYS']],
    ['server', ['DATABASE_URL', 'ENCRYPTION_KEYS', 'JWT_SECRET']],
    ['dev', []],
  ] as const)('%s', (role, required) => {
    expect(Object.keys(problemsOf(role, {})).sort()).toEqual(required);
    expect(problemsOf(role, MINIMAL)).toEqual({});
  });

  test('counts an empty variable as unset', () => {
    const empty = {
      DATABASE_URL: '',
      JWT_SECRET: '',
      PORT: '',
      LOG_LEVEL: '',
      METRICS_PORT: '',
      TEMPORAL_API_KEY: '',
    };
    expect(Object.keys(problemsOf('server', { ...MINIMAL, ...empty }))).toEqual([
      'DATABASE_URL',
      'JWT_SECRET',
    ]);
    const config = configOf('server', { ...MINIMAL, PORT: '', TEMPORAL_API_KEY: '' });
    expect(config.port).toBe(3000);
    expect(config.temporal.connection.reveal()).toEqual({ address: 'localhost:7233' });
  });
});

describe('defaults', () => {
  test('of a server', () => {
    const { databaseUrl, temporal, encryptionKeys, jwt, ...rest } = configOf('server', MINIMAL);
    expect(rest).toEqual({
      version: JSON.parse(readFileSync('package.json', 'utf8')).version,
      databasePoolSize: 10,
      taskQueue: 'mcp-steps',
      logLevel: 'info',
      networkPolicy: 'public',
      publicUrl: 'http://127.0.0.1:3000',
      host: '127.0.0.1',
      port: 3000,
      drainDelaySeconds: 5,
      returnOrigins: ['http://127.0.0.1:3000'],
      codecOrigins: [],
      payloadKeys: undefined,
      jwtUserClaim: 'sub',
    });
    expect(databaseUrl.reveal()).toBe(MINIMAL.DATABASE_URL);
    expect(temporal).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
    expect(encryptionKeys.reveal()).toEqual([{ id: 'k1', bytes: Uint8Array.from(KEY) }]);
    expect(jwt).toMatchObject({ kind: 'secret' });
  });

  test('of a worker', () => {
    expect(configOf('worker', { ...MINIMAL, PORT: '8080' })).toMatchObject({
      networkPolicy: 'public',
      publicUrl: 'http://127.0.0.1:8080',
      maxConcurrentActivities: 100,
      maxCallsPerUser: undefined,
      maxCallsPerServer: undefined,
      maxCachedWorkflows: undefined,
    });
  });

  test('of dev, which starts and generates what is not configured', () => {
    expect(configOf('dev', {})).toMatchObject({
      networkPolicy: 'development',
      databaseUrl: undefined,
      temporal: undefined,
      encryptionKeys: undefined,
      jwt: undefined,
      jwtUserClaim: 'sub',
      publicUrl: 'http://127.0.0.1:3000',
    });
    expect(configOf('dev', { NETWORK_POLICY: 'public' }).networkPolicy).toBe('public');
  });

  test('give each role the settings that it has, and their types', () => {
    expectTypeOf<Config<'dev'>['databaseUrl']>().toEqualTypeOf<Config<'server'>['databaseUrl'] | undefined>();
    expectTypeOf<Config<'server'>>().toExtend<Config<'operator'>>();
    expect(configOf('operator', MINIMAL)).not.toHaveProperty('publicUrl');
    expect(configOf('worker', MINIMAL)).not.toHaveProperty('jwt');
  });
});

describe('problems', () => {
  const everythingWrong = {
    DATABASE_URL: 'mysql://user:DONTSHOW@host/db',
    DATABASE_POOL_SIZE: 'DONTSHOW',
    TEMPORAL_ADDRESS: 'https://DONTSHOW:7233',
    TEMPORAL_NAMESPACE: 'DONTSHOW\n',
    TEMPORAL_API_KEY: 'DONTSHOW with spaces',
    TEMPORAL_TLS: 'DONTSHOW',
    TEMPORAL_TLS_CLIENT_CERT_PATH: '/DONTSHOW/cert.pem',
    TEMPORAL_TLS_CLIENT_KEY_PATH: '/DONTSHOW/key.pem',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/DONTSHOW/ca.pem',
    TEMPORAL_TASK_QUEUE: 'DONTSHOW\u0000',
    ENCRYPTION_KEYS: 'DONTSHOW, k1:DONTSHOW!, k2:RE9OVFNIT1c=, DONTSHOW DONTSHOW:RE9OVFNIT1c=, k2:x',
    JWT_SECRET: 'DONTSHOW',
    JWT_ISSUER: 'DONTSHOW',
    JWT_AUDIENCE: 'DONTSHOW',
    JWT_JWKS_URL: 'DONTSHOW',
    JWT_USER_CLAIM: 'DONTSHOW\u0007',
    PUBLIC_URL: 'https://user:DONTSHOW@host/?DONTSHOW',
    HOST: 'DONTSHOW\n',
    PORT: '65536DONTSHOW',
    NETWORK_POLICY: 'DONTSHOW',
    RETURN_ORIGINS: 'DONTSHOW,https://DONTSHOW.example/path,*',
    LOG_LEVEL: 'DONTSHOW',
    PAYLOAD_KEYS: 'DONTSHOW',
    CODEC_ORIGINS: 'DONTSHOW,*',
    WEBHOOK_URL: 'DONTSHOW',
    WEBHOOK_SECRETS: 'DONTSHOW',
    METRICS_PORT: 'DONTSHOW',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'DONTSHOW',
    WORKER_MAX_CONCURRENT_ACTIVITIES: '0',
    WORKER_MAX_CALLS_PER_USER: '0',
    WORKER_MAX_CALLS_PER_SERVER: '10001',
    WORKER_MAX_CACHED_WORKFLOWS: '-1',
    RESULT_RETENTION_DAYS: '0',
    DRAIN_DELAY_SECONDS: '-1',
    TEMPORAL_DEPLOYMENT_NAME: 'DONT.SHOW',
    TEMPORAL_WORKER_BUILD_ID: 'DONTSHOW\u0000',
    TOMBSTONE_RETENTION_DAYS: '0',
    WAITER_RETENTION_DAYS: '366',
    AUDIT_RETENTION_DAYS: 'DONTSHOW',
  };

  test('are reported all at once, whatever their kind', () => {
    const found = new Set(ROLES.flatMap((role) => Object.keys(problemsOf(role, everythingWrong))));
    const expected = Object.keys(everythingWrong);
    expect([...found].sort()).toEqual(expected.sort());
    const notOfDev = ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'];
    expect(Object.keys(problemsOf('dev', everythingWrong)).sort()).toEqual(
      expected.filter((name) => !notOfDev.includes(name)).sort(),
    );
  });

  test.each(ROLES)('of %s name the variable and never show its value', (role) => {
    const loaded = loadConfig(role, everythingWrong);
    const printed = loaded.ok ? '' : formatProblems(loaded.problems);
    const shown = `${printed}${JSON.stringify(loaded)}${inspect(loaded, { depth: 9 })}`;
    expect(printed).toContain('DATABASE_URL');
    expect(shown).not.toMatch(/dontshow/i);
    expect(shown).not.toContain('RE9OVFNIT1c');
  });

  test('are each reported once', () => {
    const loaded = loadConfig('server', { ...MINIMAL, PORT: 'x' });
    expect(loaded).toEqual({
      ok: false,
      problems: [{ variable: 'PORT', problem: 'must be a whole number from 0 to 65535' }],
    });
  });

  test('are printed one a line', () => {
    expect(
      formatProblems([
        { variable: 'A', problem: 'is required' },
        { variable: 'B', problem: 'is odd' },
      ]),
    ).toBe('2 problems with the configuration:\n  A: is required\n  B: is odd');
    expect(formatProblems([{ variable: 'A', problem: 'is required' }])).toMatch(/^One problem with /);
  });
});

describe('a loaded configuration', () => {
  test('does not show its secrets when it is logged by accident', () => {
    const env = {
      ...MINIMAL,
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      TEMPORAL_API_KEY: 'temporal-api-key',
    };
    const config = configOf('server', env);
    const shown = `${JSON.stringify(config)}${inspect(config, { depth: 9, showHidden: true })}${config.databaseUrl}`;
    expect(shown).toContain('[redacted]');
    expect(shown).toContain('temporal.example:7233');
    for (const secret of [
      'pw@',
      'temporal-api-key',
      JWT_SECRET,
      KEY.toString('base64').slice(0, 10),
      '97, 45',
    ]) {
      expect(shown).not.toContain(secret);
    }
    expect(config.temporal.connection.reveal()).toMatchObject({ apiKey: 'temporal-api-key', tls: true });
  });
});

describe('what is not available in this version', () => {
  test.each(['METRICS_PORT', 'OTEL_EXPORTER_OTLP_ENDPOINT'])(
    'is refused in every role, never ignored: %s',
    (name) => {
      for (const role of ROLES) {
        expect(problemsOf(role, { ...MINIMAL, [name]: 'x' })).toEqual({
          [name]: ['is not available in this version: unset it'],
        });
      }
    },
  );
});

describe('WEBHOOK_URL and WEBHOOK_SECRETS', () => {
  const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
  const OTHER = `whsec_${randomBytes(64).toString('base64')}`;
  const webhooks = { ...MINIMAL, WEBHOOK_URL: 'https://hooks.example/in', WEBHOOK_SECRETS: SECRET };

  test('are off unless set, and the server has no use for them', () => {
    expect(configOf('worker', MINIMAL).webhooks).toBeUndefined();
    expect(configOf('server', { ...MINIMAL, WEBHOOK_URL: 'x' })).not.toHaveProperty('webhooks');
  });

  test('hold one secret, or two while they are exchanged', () => {
    expect(configOf('worker', webhooks).webhooks?.url.reveal()).toBe('https://hooks.example/in');
    const exchanging = { ...webhooks, WEBHOOK_SECRETS: `${SECRET}, ${OTHER}` };
    expect(configOf('worker', exchanging).webhooks?.secrets.reveal()).toEqual([SECRET, OTHER]);
  });

  test('are required together', () => {
    expect(problemsOf('worker', { ...webhooks, WEBHOOK_SECRETS: '' })).toEqual({
      WEBHOOK_SECRETS: ['is required beside WEBHOOK_URL'],
    });
    expect(problemsOf('dev', { WEBHOOK_SECRETS: SECRET })).toEqual({
      WEBHOOK_URL: ['is required beside WEBHOOK_SECRETS'],
    });
  });

  test.each([
    'whsec_',
    `${SECRET},${SECRET}`,
    `${SECRET},${OTHER},whsec_${randomBytes(32).toString('base64')}`,
    `whsec_${randomBytes(23).toString('base64')}`,
    `whsec_${randomBytes(65).toString('base64')}`,
    SECRET.slice('whsec_'.length),
    `whsec_${randomBytes(25).toString('base64').replaceAll('=', '')}`,
  ])('may not hold the secrets %s', (secrets) => {
    expect(problemsOf('worker', { ...webhooks, WEBHOOK_SECRETS: secrets })).toHaveProperty('WEBHOOK_SECRETS');
  });

  test('name an address that the network policy lets an admin name', () => {
    const to = (WEBHOOK_URL: string, policy: Env = {}) =>
      Object.keys(problemsOf('worker', { ...webhooks, WEBHOOK_URL, ...policy }));
    expect(to('https://10.0.0.7/in')).toEqual([]);
    expect(to('http://hooks.example/in')).toEqual(['WEBHOOK_URL']);
    expect(to('https://127.0.0.1/in')).toEqual(['WEBHOOK_URL']);
    expect(to('https:hooks.example/in')).toEqual(['WEBHOOK_URL']);
    expect(to('https://hooks.example\\@evil.example/in')).toEqual(['WEBHOOK_URL']);
    expect(to('https://[fd00:ec2::23]/in')).toEqual(['WEBHOOK_URL']);
    expect(to('https://169.254.169.254/in', { NETWORK_POLICY: 'development' })).toEqual(['WEBHOOK_URL']);
    expect(to('http://127.0.0.1:8080/in', { NETWORK_POLICY: 'development' })).toEqual([]);
    expect(configOf('dev', { ...webhooks, WEBHOOK_URL: 'http://127.0.0.1:8080/in' }).webhooks).toBeDefined();
  });
});

describe('DATABASE_URL', () => {
  test.each([
    'postgres://localhost/latchkey',
    'postgresql://u:p%40ss@db.example:5432/latchkey?sslmode=require',
    'postgres:///latchkey?host=/var/run/postgresql',
  ])('may be %s', (url) => {
    expect(configOf('worker', { ...MINIMAL, DATABASE_URL: url }).databaseUrl.reveal()).toBe(url);
  });

  test.each(['localhost', 'http://localhost/latchkey', 'postgres://host:notaport/db', '/var/run/postgresql'])(
    'may not be %s',
    (url) => expect(problemsOf('worker', { ...MINIMAL, DATABASE_URL: url })).toHaveProperty('DATABASE_URL'),
  );
});

describe('PAYLOAD_KEYS', () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  const PAYLOAD_KEYS = `p2:${second.toString('base64')}, p1:${first.toString('base64')}`;

  test.each(ROLES)('are off for %s unless set, and keep their order', (role) => {
    expect(configOf(role, MINIMAL).payloadKeys).toBeUndefined();
    expect(configOf(role, { ...MINIMAL, PAYLOAD_KEYS }).payloadKeys?.reveal()).toEqual([
      { id: 'p2', bytes: Uint8Array.from(second) },
      { id: 'p1', bytes: Uint8Array.from(first) },
    ]);
  });

  test('are checked like ENCRYPTION_KEYS', () => {
    expect(problemsOf('worker', { ...MINIMAL, PAYLOAD_KEYS: 'p1:RE9OVFNIT1c=' })).toEqual({
      PAYLOAD_KEYS: ['entry 1 holds 8 bytes instead of 32'],
    });
  });
});

describe('ENCRYPTION_KEYS', () => {
  const keysOf = (value: string) =>
    configOf('worker', { ...MINIMAL, ENCRYPTION_KEYS: value }).encryptionKeys.reveal();
  const complaints = (value: string) =>
    problemsOf('worker', { ...MINIMAL, ENCRYPTION_KEYS: value }).ENCRYPTION_KEYS;

  // Every byte value that differs between the two alphabets.
  const awkward = Buffer.alloc(32, 0xfb);

  test.each([
    ['base64', awkward.toString('base64')],
    ['base64 without padding', awkward.toString('base64').replace('=', '')],
    ['base64url', awkward.toString('base64url')],
    ['base64url with padding', `${awkward.toString('base64url')}=`],
  ])('are read as %s', (_form, encoded) => {
    expect(keysOf(`a:${encoded}`)).toEqual([{ id: 'a', bytes: Uint8Array.from(awkward) }]);
  });

  test('keep their order, with spaces and line breaks between them', () => {
    const [one, two] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    expect(keysOf(` 2026-01:${one} ,\n 2025.b_1 : ${two}\n`).map(({ id }) => id)).toEqual([
      '2026-01',
      '2025.b_1',
    ]);
  });

  test.each([
    ['a key without an id', KEY.toString('base64'), ['entry 1 must have the form id:base64']],
    [
      'an empty id',
      `:${KEY.toString('base64')}`,
      ['entry 1 needs an id of 1–64 of A–Z a–z 0–9 . _ - before the colon'],
    ],
    ['31 bytes', `k1:${randomBytes(31).toString('base64')}`, ['entry 1 holds 31 bytes instead of 32']],
    ['33 bytes', `k1:${randomBytes(33).toString('base64')}`, ['entry 1 holds 33 bytes instead of 32']],
    ['32 characters', `k1:${'a'.repeat(32)}`, ['entry 1 holds 24 bytes instead of 32']],
    ['hexadecimal', `k1:${KEY.toString('hex')}`, ['entry 1 holds 48 bytes instead of 32']],
    ['no base64', `k1:${'!'.repeat(44)}`, ['entry 1 is not base64']],
    ['a stray character', `k1:*${KEY.toString('base64')}`, ['entry 1 is not base64']],
    ['a trailing comma', `k1:${KEY.toString('base64')},`, ['entry 2 must have the form id:base64']],
    [
      'one id twice',
      `k1:${KEY.toString('base64')},k2:${KEY.toString('base64')},k1:${randomBytes(32).toString('base64')}`,
      ['entries 1 and 3 have the same id'],
    ],
  ])('are refused with %s', (_what, value, expected) => {
    expect(complaints(value)).toEqual(expected);
  });
});

describe('the verification of callers', () => {
  const { JWT_SECRET: _, ...withoutSecret } = MINIMAL;

  test('takes a secret by its UTF-8 bytes', () => {
    const { jwt } = configOf('server', { ...MINIMAL, JWT_SECRET: 'ü'.repeat(16) });
    expect(jwt.kind === 'secret' && jwt.secret.reveal()).toEqual(new TextEncoder().encode('ü'.repeat(16)));
    expect(problemsOf('server', { ...MINIMAL, JWT_SECRET: 'x'.repeat(31) })).toEqual({
      JWT_SECRET: ['must be at least 32 bytes long'],
    });
  });

  test('takes the published keys of an issuer', () => {
    expect(configOf('server', { ...withoutSecret, ...JWKS }).jwt).toEqual({
      kind: 'jwks',
      url: JWKS.JWT_JWKS_URL,
      issuer: JWKS.JWT_ISSUER,
      audience: JWKS.JWT_AUDIENCE,
    });
  });

  test.each(Object.keys(JWKS))('does not do without %s', (name) => {
    for (const role of ['server', 'dev'] as const) {
      expect(problemsOf(role, { ...withoutSecret, ...JWKS, [name]: undefined })).toEqual({
        [name]: ['is required'],
      });
    }
  });

  test('is one of the two, never both', () => {
    expect(Object.keys(problemsOf('server', { ...MINIMAL, ...JWKS }))).toEqual(Object.keys(JWKS));
    expect(Object.keys(problemsOf('dev', { ...MINIMAL, JWT_ISSUER: 'x' }))).toEqual(['JWT_ISSUER']);
  });

  test('names both forms where there is neither', () => {
    expect(problemsOf('server', withoutSecret)).toEqual({
      JWT_SECRET: ['is required, or else all of JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE'],
    });
  });
});

describe('PUBLIC_URL and RETURN_ORIGINS', () => {
  test.each([
    ['https://latchkey.example', 'https://latchkey.example', 'https://latchkey.example'],
    ['https://latchkey.example/', 'https://latchkey.example', 'https://latchkey.example'],
    ['https://Example.com:443/latchkey//', 'https://example.com/latchkey', 'https://example.com'],
    ['http://10.0.0.5:8080/a/b/', 'http://10.0.0.5:8080/a/b', 'http://10.0.0.5:8080'],
  ])('%s is kept without a trailing slash; its origin may be returned to', (given, publicUrl, origin) => {
    expect(configOf('server', { ...MINIMAL, PUBLIC_URL: given })).toMatchObject({
      publicUrl,
      returnOrigins: [origin],
    });
  });

  test.each([
    'latchkey.example',
    'ftp://latchkey.example',
    'https:latchkey.example',
    'https://u:p@latchkey.example',
    'https://latchkey.example/?a=1',
    'https://latchkey.example/?',
    'https://latchkey.example/#x',
    'javascript:alert(1)//http://',
  ])('PUBLIC_URL may not be %s', (url) => {
    for (const role of ['server', 'worker', 'dev'] as const) {
      expect(Object.keys(problemsOf(role, { ...MINIMAL, PUBLIC_URL: url }))).toEqual(['PUBLIC_URL']);
    }
  });

  test('PUBLIC_URL cannot be guessed when any port will do', () => {
    expect(problemsOf('server', { ...MINIMAL, PORT: '0' })).toHaveProperty('PUBLIC_URL');
    expect(configOf('server', { ...MINIMAL, PORT: '0', PUBLIC_URL: 'http://127.0.0.1:9' }).port).toBe(0);
  });

  test('RETURN_ORIGINS replaces the default', () => {
    const origins = 'https://app.example.com, http://localhost:5173/ ,https://app.example.com:443';
    expect(configOf('server', { ...MINIMAL, RETURN_ORIGINS: origins }).returnOrigins).toEqual([
      'https://app.example.com',
      'http://localhost:5173',
    ]);
  });

  test.each([
    '*',
    'https://*',
    'app.example.com',
    'https://a.example/path',
    'https://a.example?',
    'null',
    'https://a.example,',
  ])('RETURN_ORIGINS and CODEC_ORIGINS may not hold %s', (origins) => {
    const env = { ...MINIMAL, RETURN_ORIGINS: origins, CODEC_ORIGINS: origins };
    expect(Object.keys(problemsOf('server', env))).toEqual(['RETURN_ORIGINS', 'CODEC_ORIGINS']);
  });

  test('CODEC_ORIGINS names whose pages may decode', () => {
    const origins = 'https://temporal.example.com, http://localhost:8233';
    expect(configOf('server', { ...MINIMAL, CODEC_ORIGINS: origins }).codecOrigins).toEqual([
      'https://temporal.example.com',
      'http://localhost:8233',
    ]);
  });
});

describe('single settings', () => {
  test.each([
    ['PORT', '0x50'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['DATABASE_POOL_SIZE', '0'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_LEVEL', 'INFO'],
    ['NETWORK_POLICY', 'private'],
    ['TEMPORAL_TASK_QUEUE', ' '],
    ['TEMPORAL_TASK_QUEUE', 'x'.repeat(256)],
    ['JWT_USER_CLAIM', ' '],
  ])('%s may not be %j', (name, value) => {
    expect(Object.keys(problemsOf('server', { ...MINIMAL, PUBLIC_URL: 'http://h', [name]: value }))).toEqual([
      name,
    ]);
  });

  test('are taken as given', () => {
    const env = {
      HOST: '::',
      PORT: '65535',
      LOG_LEVEL: 'silent',
      TEMPORAL_TASK_QUEUE: 'q',
      JWT_USER_CLAIM: 'https://c/id',
    };
    expect(configOf('server', { ...MINIMAL, ...env, DATABASE_POOL_SIZE: '3' })).toMatchObject({
      host: '::',
      port: 65_535,
      logLevel: 'silent',
      taskQueue: 'q',
      jwtUserClaim: 'https://c/id',
      databasePoolSize: 3,
    });
    const tuned = { WORKER_MAX_CONCURRENT_ACTIVITIES: '7', WORKER_MAX_CACHED_WORKFLOWS: '0' };
    expect(configOf('worker', { ...MINIMAL, ...tuned })).toMatchObject({
      maxConcurrentActivities: 7,
      maxCachedWorkflows: 0,
    });
  });
});

describe("Temporal's environment configuration", () => {
  const connectionOf = (env: Env): TemporalConnection =>
    configOf('worker', { ...MINIMAL, ...env }).temporal.connection.reveal();
  const complaints = (env: Env) => problemsOf('worker', { ...MINIMAL, ...env });

  test('is read from variables, TLS and headers included', () => {
    const cert = file('cert.pem', 'CERT');
    const { temporal } = configOf('worker', {
      ...MINIMAL,
      TEMPORAL_ADDRESS: '[::1]:7233',
      TEMPORAL_NAMESPACE: 'prod.abc12',
      TEMPORAL_TLS_CLIENT_CERT_PATH: cert,
      TEMPORAL_TLS_CLIENT_KEY_DATA: 'KEY',
      TEMPORAL_TLS_SERVER_NAME: 'temporal.internal',
      TEMPORAL_GRPC_META_X_TENANT: 'a',
    });
    expect(temporal).toMatchObject({ address: '[::1]:7233', namespace: 'prod.abc12' });
    expect(temporal.connection.reveal()).toMatchObject({
      address: '[::1]:7233',
      tls: {
        serverNameOverride: 'temporal.internal',
        clientCertPair: {
          crt: Uint8Array.from(Buffer.from('CERT')),
          key: Uint8Array.from(Buffer.from('KEY')),
        },
      },
      metadata: { 'x-tenant': 'a' },
    });
  });

  test('is read from a profile, over which variables win', () => {
    const path = file(
      'temporal.toml',
      '[profile.prod]\naddress = "cloud:7233"\nnamespace = "one"\napi_key = "from-file"\ngrpc_meta = { a = "1" }\n',
    );
    const env = { TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: 'prod', TEMPORAL_NAMESPACE: 'two' };
    const { temporal } = configOf('dev', { ...env, TEMPORAL_GRPC_META_A: '' });
    expect(temporal).toMatchObject({ address: 'cloud:7233', namespace: 'two' });
    expect(temporal?.connection.reveal()).toEqual({
      address: 'cloud:7233',
      apiKey: 'from-file',
      tls: true,
      metadata: {},
    });
    expect(connectionOf(env).metadata).toEqual({ a: '1' });
  });

  test('reads the default file of the home directory, but not for dev', () => {
    const home = mkdtempSync(join(directory, 'home-'));
    const env = { HOME: home, XDG_CONFIG_HOME: home, APPDATA: home };
    for (const folder of ['temporalio', 'Library/Application Support/temporalio']) {
      const path = join(home, folder);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'temporal.toml'), '[profile.default]\naddress = "production:7233"\n');
    }
    expect(connectionOf(env)).toEqual({ address: 'production:7233' });
    expect(configOf('dev', env).temporal).toBeUndefined();
  });

  test.each([
    ['TEMPORAL_ADDRESS', 'http://localhost:7233'],
    ['TEMPORAL_ADDRESS', 'localhost:port'],
    ['TEMPORAL_API_KEY', 'key\nwith a line break'],
    ['TEMPORAL_NAMESPACE', ' '],
    ['TEMPORAL_TLS', 'yes'],
    ['TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'true'],
    ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', '/nowhere/ca.pem'],
    ['TEMPORAL_PROFILE', 'unheard-of'],
  ])('refuses %s=%j', (name, value) => {
    expect(Object.keys(complaints({ [name]: value }))).toEqual([name]);
  });

  test('reports every certificate that cannot be read and every profile that is missing', () => {
    const env = {
      TEMPORAL_PROFILE: 'unheard-of',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem',
      TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere/cert.pem',
      TEMPORAL_TLS_CLIENT_KEY_PATH: directory,
    };
    expect(complaints(env)).toEqual({
      TEMPORAL_PROFILE: ['names a profile that the configuration file does not have'],
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: ['cannot be read (ENOENT)'],
      TEMPORAL_TLS_CLIENT_CERT_PATH: ['cannot be read (ENOENT)'],
      TEMPORAL_TLS_CLIENT_KEY_PATH: ['cannot be read (EISDIR)'],
    });
  });

  test('refuses half a client certificate, with which the SDK would connect without any', () => {
    expect(complaints({ TEMPORAL_TLS_CLIENT_CERT_DATA: 'CERT' })).toHaveProperty(
      'TEMPORAL_TLS_CLIENT_KEY_PATH',
    );
    expect(complaints({ TEMPORAL_TLS_CLIENT_KEY_DATA: 'KEY' })).toHaveProperty(
      'TEMPORAL_TLS_CLIENT_CERT_PATH',
    );
  });

  test('refuses a certificate given twice', () => {
    const env = {
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'CA',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem',
    };
    expect(complaints(env)).toMatchObject({
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: ['cannot be set beside TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
    });
  });

  test.each([
    ['is no TOML', '[profile.default]\napi_key = "DONTSHOW\n', 'is not valid TOML (line 2)'],
    ['is empty', '', 'is not a Temporal client configuration'],
    ['has a profile that is none', 'profile = "DONTSHOW"\n[x]\n', undefined],
  ])('says of a file that %s what is wrong, without quoting it', (_what, content, problem) => {
    const env = { TEMPORAL_CONFIG_FILE: file('broken.toml', content) };
    const loaded = loadConfig('worker', { ...MINIMAL, ...env });
    expect(JSON.stringify(loaded)).not.toContain('DONTSHOW');
    if (problem !== undefined) expect(complaints(env)).toEqual({ TEMPORAL_CONFIG_FILE: [problem] });
  });

  test("checks a file's values like a variable's", () => {
    const path = file('odd.toml', '[profile.default]\naddress = 7233\nnamespace = "DONTSHOW\\u0000"\n');
    expect(Object.keys(complaints({ TEMPORAL_CONFIG_FILE: path }))).toEqual([
      'TEMPORAL_ADDRESS',
      'TEMPORAL_NAMESPACE',
    ]);
  });

  test.each(['TEMPORAL_NAMESPACE', 'TEMPORAL_API_KEY', 'TEMPORAL_TLS', 'TEMPORAL_TLS_SERVER_NAME'])(
    'tells dev that %s says nothing about the server that dev starts',
    (name) => {
      expect(Object.keys(problemsOf('dev', { [name]: 'true' }))).toEqual([name]);
      expect(problemsOf('dev', { TEMPORAL_ADDRESS: 'localhost:7233', [name]: 'true' })).toEqual({});
    },
  );

  test('has the form that both kinds of connection take', async () => {
    const connection = connectionOf({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(Connection.lazy(connection).options.address).toBe('127.0.0.1:1');
    await expect(NativeConnection.connect(connection)).rejects.toThrow(/connect/i);
  });
});

describe('the version of a worker', () => {
  const versionOf = (env: Env) => configOf('worker', { ...MINIMAL, ...env }).deployment;

  test('is none unless it is configured, and never one of `dev`', () => {
    const env = { TEMPORAL_DEPLOYMENT_NAME: 'latchkey', TEMPORAL_WORKER_BUILD_ID: '2026-11.3' };
    expect(versionOf({})).toBeUndefined();
    expect(versionOf(env)).toEqual({ name: 'latchkey', buildId: '2026-11.3' });
    expect(configOf('dev', env).deployment).toBeUndefined();
  });

  test.each([
    [{ TEMPORAL_DEPLOYMENT_NAME: 'latchkey' }, 'TEMPORAL_WORKER_BUILD_ID'],
    [{ TEMPORAL_WORKER_BUILD_ID: '1' }, 'TEMPORAL_DEPLOYMENT_NAME'],
    [{ TEMPORAL_DEPLOYMENT_NAME: 'a.b', TEMPORAL_WORKER_BUILD_ID: '1' }, 'TEMPORAL_DEPLOYMENT_NAME'],
    [{ TEMPORAL_DEPLOYMENT_NAME: 'a:b', TEMPORAL_WORKER_BUILD_ID: '1' }, 'TEMPORAL_DEPLOYMENT_NAME'],
    [{ TEMPORAL_DEPLOYMENT_NAME: 'a', TEMPORAL_WORKER_BUILD_ID: 'b c' }, 'TEMPORAL_WORKER_BUILD_ID'],
  ])('needs both parts, as Temporal takes them: %o', (env, variable) => {
    expect(Object.keys(problemsOf('worker', { ...MINIMAL, ...env }))).toEqual([variable]);
  });
});
