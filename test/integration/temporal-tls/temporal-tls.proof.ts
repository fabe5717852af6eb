import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { latchkey } from '../../commands/latchkey.ts';
import { type Certificate, createAuthority, createLeaf } from '../../support/certificates.ts';
import { testInWorld } from '../../support/fixtures.ts';
import { createTestNamespace } from '../../support/temporal.ts';
import type { World } from '../../support/world.ts';
import { startServerProcess } from '../processes/start-server-process.ts';
import { startWorkerProcess } from '../processes/start-worker-process.ts';
import { startTlsProxy, type TlsProxy, type TlsProxyOptions } from './tls-proxy.ts';

const API_KEY = 'an-api-key-that-nothing-else-has';

type Environment = Record<string, string>;

const test = testInWorld(async () => ({ namespace: await createTestNamespace([]), withoutWorker: true }));

let folder: string;
let ca: Certificate;
let server: Certificate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-tls-'));
  ca = await createAuthority('Test CA');
  server = await createLeaf('server', ca);
  const client = await createLeaf('client', ca);
  const stranger = await createLeaf('stranger', await createAuthority('Another CA'));
  const files = {
    ca: ca.cert,
    client: client.cert,
    clientKey: client.key,
    stranger: stranger.cert,
    strangerKey: stranger.key,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(pathOf(name), content);
});
afterAll(() => rmSync(folder, { recursive: true }));

const pathOf = (name: string) => join(folder, `${name}.pem`);
const mutual = (name: string): Environment => ({
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: pathOf('ca'),
  TEMPORAL_TLS_CLIENT_CERT_PATH: pathOf(name),
  TEMPORAL_TLS_CLIENT_KEY_PATH: pathOf(`${name}Key`),
});
const withKey = (apiKey: string): Environment => ({
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: pathOf('ca'),
  TEMPORAL_API_KEY: apiKey,
});

describe('over TLS, in a namespace of its own', { timeout: 240_000 }, () => {
  test('everything runs with a client certificate, and another one is refused', async ({ world }) => {
    const proxy = await startProxy(world, { tls: { ...server, ca: ca.cert } });

    await expectAllToRun(world, proxy, mutual('client'));

    await expectRefusal(world, proxy, mutual('stranger'), /Temporal can't be reached at .*TEMPORAL_TLS_/);
    await expectRefusal(world, proxy, withKey('none'), /Temporal can't be reached at .*TEMPORAL_TLS_/);
  });

  test('everything runs with an API key, and another one is refused', async ({ world }) => {
    const proxy = await startProxy(world, { tls: server, apiKey: API_KEY });

    await expectAllToRun(world, proxy, withKey(API_KEY));
    expect([...proxy.namespaces]).toEqual([world.temporal.namespace]);

    await expectRefusal(world, proxy, withKey('another'), /refuses this process .* TEMPORAL_API_KEY/);
  });

  test('all of it may be in a profile of a configuration file', async ({ world }) => {
    const proxy = await startProxy(world, { tls: { ...server, ca: ca.cert }, apiKey: API_KEY });
    const file = join(folder, 'temporal.toml');
    const { namespace } = world.temporal;
    writeFileSync(
      file,
      `[profile.prod]\naddress = "${proxy.address}"\nnamespace = "${namespace}"\napi_key = "${API_KEY}"\n[profile.prod.tls]\nserver_ca_cert_path = "${pathOf('ca')}"\nclient_cert_path = "${pathOf('client')}"\nclient_key_path = "${pathOf('clientKey')}"\n`,
    );
    const { TEMPORAL_ADDRESS: _, TEMPORAL_NAMESPACE: __, ...environment } = world.environment();

    const migrated = await latchkey(
      { ...environment, TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' },
      'migrate',
    ).ended;

    expect(migrated).toMatchObject({ code: 0 });
  });
});

async function startProxy(world: World, options: TlsProxyOptions): Promise<TlsProxy> {
  const proxy = await startTlsProxy(world.temporal.address, options);
  onTestFinished(() => proxy.close());
  return proxy;
}

const environmentOf = (world: World, proxy: TlsProxy, tls: Environment): Environment => ({
  ...world.environment(),
  TEMPORAL_ADDRESS: proxy.address,
  ...tls,
});

/** `migrate`, a worker that makes a step's call, and a server that sees Temporal. */
async function expectAllToRun(world: World, proxy: TlsProxy, tls: Environment): Promise<void> {
  const environment = environmentOf(world, proxy, tls);
  expect(await latchkey(environment, 'migrate').ended).toMatchObject({ code: 0 });
  const worker = await startWorkerProcess(environment);
  onTestFinished(() => worker.kill());
  const user = world.users.newUser();
  await world.users.connect(user);
  const api = await startServerProcess(environment);
  onTestFinished(() => api.kill());

  const health = async () => (await fetch(`${api.url}/health`)).json();
  await expect.poll(health).toMatchObject({ status: 'ok' });
  const step = await world.steps.start(user);
  expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  await Promise.all([worker.kill('SIGTERM'), api.kill()]);
}

async function expectRefusal(
  world: World,
  proxy: TlsProxy,
  tls: Environment,
  message: RegExp,
): Promise<void> {
  const refused = await latchkey(environmentOf(world, proxy, tls), 'worker').ended;
  expect(refused.code).toBe(1);
  expect(refused.stdout).toMatch(message);
  expect(`${refused.stdout}${refused.stderr}`).not.toContain(API_KEY);
}
