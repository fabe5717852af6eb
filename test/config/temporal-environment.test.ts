import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, type TemporalConnection } from '../../src/config/load-config.ts';
import { configOf, type Env, MINIMAL, problemsOf } from './config-fixture.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

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

  test('takes the null device for no file, as commands beside `latchkey dev` find it', () => {
    const env = { TEMPORAL_CONFIG_FILE: devNull, TEMPORAL_ADDRESS: 'localhost:9999' };
    expect(configOf('worker', { ...MINIMAL, ...env }).temporal.address).toBe('localhost:9999');
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
