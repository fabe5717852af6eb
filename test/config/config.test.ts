import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Config, formatProblems, loadConfig } from '../../src/config/load-config.ts';
import { configOf, type Env, JWT_SECRET, KEY, MINIMAL, problemsOf, ROLES } from './config-fixture.ts';

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
      egressProxy: undefined,
      publicUrl: 'http://127.0.0.1:3000',
      host: '127.0.0.1',
      port: 3000,
      drainDelaySeconds: 5,
      returnOrigins: ['http://127.0.0.1:3000'],
      codecOrigins: [],
      payloadKeys: undefined,
      jwtUserClaim: 'sub',
      oidc: undefined,
      trustedProxies: [],
      rateLimits: { perUser: 6000, perAddress: 6000, perService: 60000, signIns: 60, connects: 10 },
      metrics: undefined,
      traces: undefined,
    });
    expect(databaseUrl.reveal()).toBe(MINIMAL.DATABASE_URL);
    expect(temporal).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
    expect(encryptionKeys.reveal()).toEqual([{ id: 'k1', bytes: Uint8Array.from(KEY) }]);
    expect(jwt).toMatchObject({ kind: 'secret' });
  });

  test('of a worker', () => {
    expect(configOf('worker', { ...MINIMAL, PORT: '8080' })).toMatchObject({
      networkPolicy: 'public',
      egressProxy: undefined,
      publicUrl: 'http://127.0.0.1:8080',
      maxConcurrentActivities: 100,
      maxCallsPerUser: undefined,
      maxCallsPerServer: undefined,
      maxCachedWorkflows: undefined,
      tuning: {
        maxConcurrentWorkflowTasks: undefined,
        activityPollers: undefined,
        workflowPollers: undefined,
        targets: undefined,
      },
    });
  });

  test('of dev, which starts and generates what is not configured', () => {
    expect(configOf('dev', {})).toMatchObject({
      networkPolicy: 'development',
      egressProxy: undefined,
      databaseUrl: undefined,
      temporal: undefined,
      encryptionKeys: undefined,
      jwt: undefined,
      jwtUserClaim: 'sub',
      oidc: undefined,
      trustedProxies: [],
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
    METRICS_HOST: 'DONTSHOW\n',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'DONTSHOW',
    WORKER_MAX_CONCURRENT_ACTIVITIES: '0',
    WORKER_MAX_CALLS_PER_USER: '0',
    WORKER_MAX_CALLS_PER_SERVER: '10001',
    WORKER_MAX_CACHED_WORKFLOWS: '-1',
    WORKER_MAX_CONCURRENT_WORKFLOW_TASKS: '1',
    WORKER_ACTIVITY_POLLERS: 'DONTSHOW',
    WORKER_WORKFLOW_POLLERS: '1',
    WORKER_TARGET_CPU_PERCENT: '101',
    WORKER_TARGET_MEMORY_PERCENT: 'DONTSHOW',
    WORKER_STACK_TRACES: 'DONTSHOW',
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

describe('traces', () => {
  test.each([
    ['http://collector:4318', 'http://collector:4318'],
    ['https://otel.example/tenant/', 'https://otel.example/tenant'],
  ])('go to %s', (given, endpoint) => {
    expect(configOf('worker', { ...MINIMAL, OTEL_EXPORTER_OTLP_ENDPOINT: given }).traces).toEqual({
      endpoint,
    });
  });

  test.each(['collector:4318', 'http://user:pw@host', 'http://host?key=x'])('do not go to %s', (given) => {
    const problems = problemsOf('server', { ...MINIMAL, OTEL_EXPORTER_OTLP_ENDPOINT: given });
    expect(Object.keys(problems)).toEqual(['OTEL_EXPORTER_OTLP_ENDPOINT']);
  });
});

describe('the port of the metrics', () => {
  test.each(ROLES)('is for every role, and is this machine alone: %s', (role) => {
    const { metrics } = configOf(role, { ...MINIMAL, METRICS_PORT: '9464' });
    expect(metrics).toEqual({ host: '127.0.0.1', port: 9464 });
  });

  test('listens elsewhere if it is told to', () => {
    const { metrics } = configOf('worker', { ...MINIMAL, METRICS_PORT: '0', METRICS_HOST: '0.0.0.0' });
    expect(metrics).toEqual({ host: '0.0.0.0', port: 0 });
  });

  test('is not opened by an address alone', () => {
    expect(configOf('worker', { ...MINIMAL, METRICS_HOST: '0.0.0.0' }).metrics).toBeUndefined();
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
    const tuned = {
      WORKER_MAX_CONCURRENT_ACTIVITIES: '7',
      WORKER_MAX_CACHED_WORKFLOWS: '0',
      WORKER_STACK_TRACES: 'on',
    };
    expect(configOf('worker', { ...MINIMAL, ...tuned })).toMatchObject({
      maxConcurrentActivities: 7,
      maxCachedWorkflows: 0,
      stackTraces: true,
    });
    expect(configOf('worker', MINIMAL).stackTraces).toBe(false);
  });
});

describe('the tuning of a worker', () => {
  test('is read from its variables', () => {
    const env = {
      WORKER_MAX_CONCURRENT_WORKFLOW_TASKS: '80',
      WORKER_ACTIVITY_POLLERS: '1',
      WORKER_WORKFLOW_POLLERS: 'auto',
      WORKER_TARGET_CPU_PERCENT: '90',
      WORKER_TARGET_MEMORY_PERCENT: '75',
    };
    expect(configOf('worker', { ...MINIMAL, ...env }).tuning).toEqual({
      maxConcurrentWorkflowTasks: 80,
      activityPollers: 1,
      workflowPollers: 'auto',
      targets: { cpuPercent: 90, memoryPercent: 75 },
    });
  });

  test.each([
    ['WORKER_TARGET_CPU_PERCENT', 'WORKER_TARGET_MEMORY_PERCENT'],
    ['WORKER_TARGET_MEMORY_PERCENT', 'WORKER_TARGET_CPU_PERCENT'],
  ])('needs %s beside %s', (missing, given) => {
    expect(problemsOf('worker', { ...MINIMAL, [given]: '80' })).toEqual({
      [missing]: [`is required beside ${given}`],
    });
  });
});

describe('the version of a worker', () => {
  const versionOf = (env: Env) => configOf('worker', { ...MINIMAL, ...env }).deployment;

  test('is unset unless it is configured, and always for `dev`', () => {
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
