import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withDevEnvironment } from '../../src/config/dev-environment.ts';
import { Secret } from '../../src/config/secret.ts';
import { environmentOfDev, writeDevEnvironment } from '../../src/dev/dev-environment.ts';
import { configOf } from '../config/config-fixture.ts';

const PROFILE = '[profile.default]\naddress = "cloud:7233"\nnamespace = "prod"\napi_key = "of-production"\n';

/** A person's home with a configuration file of Temporal, where each system looks for it. */
async function homeWithProfile(): Promise<Record<string, string>> {
  const home = await mkdtemp(join(tmpdir(), 'latchkey-home-'));
  onTestFinished(() => rm(home, { recursive: true }));
  for (const folder of ['.config', 'Library/Application Support']) {
    await mkdir(join(home, folder, 'temporalio'), { recursive: true });
    await writeFile(join(home, folder, 'temporalio', 'temporal.toml'), PROFILE);
  }
  return { HOME: home, APPDATA: join(home, '.config') };
}

test('commands beside latchkey dev use its Temporal, and nothing of the person’s own profile', async () => {
  const own = await homeWithProfile();
  const address = '127.0.0.1:7299';
  const services = {
    databaseUrl: new Secret('postgres://dev'),
    temporal: { address, namespace: 'default', connection: new Secret({ address }) },
  };
  const secrets = {
    encryptionKeys: new Secret([{ id: 'dev', bytes: new Uint8Array(32) }]),
    jwtSecret: new Secret(new TextEncoder().encode('a secret of at least 32 bytes, as it must be')),
  };
  const dataDir = own.HOME ?? '';
  const dev = environmentOfDev(dataDir, configOf('dev', own), services, secrets);
  await writeDevEnvironment(dataDir, dev);

  const { temporal } = configOf('worker', withDevEnvironment(dev, own));
  expect(temporal).toMatchObject({ address, namespace: 'default' });
  expect(temporal.connection.reveal()).toEqual({ address });
  // Without the variable that dev sets, the key of the profile would be sent to the address of dev.
  const { TEMPORAL_CONFIG_FILE: _, ...less } = dev;
  const other = configOf('worker', withDevEnvironment(less, own)).temporal;
  expect(other.connection.reveal()).toMatchObject({ address, apiKey: 'of-production' });
});
