import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEV_ENVIRONMENT_FILE } from '../commands/running-dev.ts';
import { formatKeys } from '../config/encryption-keys.ts';
import type { DevConfig } from '../config/load-config.ts';
import type { BackingServices } from './backing-services.ts';
import type { DevSecrets } from './dev-secrets.ts';

type Environment = Record<string, string>;

/** A configuration file of Temporal's that configures nothing. The SDK refuses an empty one. */
const TEMPORAL_CONFIG_FILE = 'temporal.toml';
const EMPTY_PROFILE = '[profile.default]\n';

/** The variables of what `latchkey dev` started or generated itself. What was configured is left out. */
export function environmentOfDev(
  dataDir: string,
  config: DevConfig,
  { databaseUrl, temporal }: BackingServices['config'],
  { encryptionKeys, jwtSecret }: DevSecrets,
): Environment {
  return {
    ...(config.databaseUrl === undefined && { DATABASE_URL: databaseUrl.reveal() }),
    ...(config.temporal === undefined && {
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      // Nothing of this user's own profile, whose API key may be that of production.
      TEMPORAL_CONFIG_FILE: join(dataDir, TEMPORAL_CONFIG_FILE),
    }),
    ...(config.encryptionKeys === undefined && { ENCRYPTION_KEYS: formatKeys(encryptionKeys.reveal()) }),
    ...(config.jwt === undefined && { JWT_SECRET: new TextDecoder().decode(jwtSecret.reveal()) }),
    NETWORK_POLICY: config.networkPolicy,
    PUBLIC_URL: config.publicUrl,
  };
}

/** Writes them for `latchkey doctor`, readable by this user only. */
export async function writeDevEnvironment(dataDir: string, environment: Environment): Promise<void> {
  await writeFile(join(dataDir, TEMPORAL_CONFIG_FILE), EMPTY_PROFILE, { mode: 0o600 });
  await writeFile(join(dataDir, DEV_ENVIRONMENT_FILE), JSON.stringify(environment), { mode: 0o600 });
}

export function removeDevEnvironment(dataDir: string): Promise<void> {
  return rm(join(dataDir, DEV_ENVIRONMENT_FILE), { force: true });
}
