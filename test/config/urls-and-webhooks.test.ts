import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { configOf, type Env, MINIMAL, problemsOf } from './config-fixture.ts';

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

describe('TRUSTED_PROXIES', () => {
  test('are addresses and ranges; none unless set', () => {
    expect(configOf('server', MINIMAL).trustedProxies).toEqual([]);
    const env = { ...MINIMAL, TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.7,fd00::/8' };
    expect(configOf('server', env).trustedProxies).toEqual(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);
  });

  test.each(['*', 'true', 'proxy.example', '10.0.0.0/33', '10.0.0.1,', 'loopback'])(
    'may not be %s',
    (value) => {
      expect(problemsOf('server', { ...MINIMAL, TRUSTED_PROXIES: value })).toHaveProperty('TRUSTED_PROXIES');
    },
  );
});

describe('OIDC_…', () => {
  const OIDC = {
    ...MINIMAL,
    OIDC_ISSUER: 'https://login.example.com/tenant',
    OIDC_CLIENT_ID: 'latchkey',
    OIDC_CLIENT_SECRET: 'DONTSHOW',
  };

  test('are off unless set', () => {
    expect(configOf('server', MINIMAL).oidc).toBeUndefined();
    expect(configOf('dev', {}).oidc).toBeUndefined();
    expect(configOf('worker', OIDC)).not.toHaveProperty('oidc');
  });

  test('have defaults for scopes and claims, and need no secret', () => {
    const { oidc } = configOf('server', OIDC);
    expect(oidc).toMatchObject({
      issuer: 'https://login.example.com/tenant',
      clientId: 'latchkey',
      scopes: 'openid',
      userClaim: 'sub',
      admin: undefined,
    });
    expect(oidc?.clientSecret?.reveal()).toBe('DONTSHOW');
    expect(JSON.stringify(oidc)).not.toContain('DONTSHOW');
    expect(configOf('server', { ...OIDC, OIDC_CLIENT_SECRET: '' }).oidc?.clientSecret).toBeUndefined();
  });

  test('name the claims of users and admins', () => {
    const env = {
      ...OIDC,
      OIDC_SCOPES: 'openid groups',
      OIDC_USER_CLAIM: 'email',
      OIDC_ADMIN_CLAIM: 'groups',
      OIDC_ADMIN_VALUE: 'ops',
    };
    expect(configOf('server', env).oidc).toMatchObject({
      scopes: 'openid groups',
      userClaim: 'email',
      admin: { claim: 'groups', value: 'ops' },
    });
  });

  test('need each other, and every problem is reported', () => {
    expect(problemsOf('server', { ...MINIMAL, OIDC_CLIENT_ID: 'x' })).toEqual({
      OIDC_ISSUER: ['is required beside the other variables OIDC_…'],
    });
    const wrong = {
      ...MINIMAL,
      OIDC_ISSUER: 'http://login.example',
      OIDC_SCOPES: 'email',
      OIDC_ADMIN_CLAIM: 'groups',
    };
    expect(problemsOf('server', wrong)).toEqual({
      OIDC_ISSUER: ['must be https'],
      OIDC_CLIENT_ID: ['is required'],
      OIDC_SCOPES: ['must contain openid'],
      OIDC_ADMIN_VALUE: ['is required'],
    });
    expect(problemsOf('server', { ...OIDC, OIDC_ADMIN_VALUE: 'x' })).toEqual({
      OIDC_ADMIN_CLAIM: ['is required'],
    });
  });

  test.each([
    'login.example',
    'http://login.example',
    'https://u:p@login.example',
    'https://login.example/?a=1',
    'https://127.0.0.1',
  ])('may not name the issuer %s', (OIDC_ISSUER) =>
    expect(problemsOf('server', { ...OIDC, OIDC_ISSUER })).toHaveProperty('OIDC_ISSUER'),
  );

  test('may name an issuer on the machine itself in development', () => {
    expect(configOf('dev', { ...OIDC, OIDC_ISSUER: 'http://127.0.0.1:9000' }).oidc?.issuer).toBe(
      'http://127.0.0.1:9000/',
    );
  });
});
