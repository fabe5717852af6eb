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
