import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { DEV_TOKEN_FILE } from '../commands/running-dev.ts';
import { Secret } from '../config/secret.ts';
import type { RingKey } from '../vault/key-ring.ts';

/**
 * The secrets that `latchkey dev` generates once and keeps in its data folder. The database is unreadable without
 * them.
 */
export interface DevSecrets {
  encryptionKeys: Secret<readonly RingKey[]>;
  jwtSecret: Secret<Uint8Array>;
}

/** The user of the token and of the development sign-in; an admin. */
export const DEV_USER = 'dev';

const SECRETS_FILE = 'secrets.json';
const OWNER_ONLY = 0o600;
const TOKEN_LIFETIME = '30d';

const fileSchema = z.object({ encryptionKey: z.base64().length(44), jwtSecret: z.string().min(32) });

export async function devSecrets(dataDir: string): Promise<DevSecrets> {
  const { encryptionKey, jwtSecret } = await readOrGenerate(dataDir);
  return {
    encryptionKeys: new Secret([{ id: 'dev', bytes: Buffer.from(encryptionKey, 'base64') }]),
    jwtSecret: new Secret(new TextEncoder().encode(jwtSecret)),
  };
}

/** Writes a token of `DEV_USER` with the admin scope to a file, so that it is not logged. Returns the file's path. */
export async function writeDevToken(
  dataDir: string,
  { jwtUserClaim }: { jwtUserClaim: string },
  { jwtSecret }: DevSecrets,
): Promise<string> {
  const token = await new SignJWT({ [jwtUserClaim]: DEV_USER, scope: 'latchkey:admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(jwtSecret.reveal());
  const path = join(dataDir, DEV_TOKEN_FILE);
  await writeFile(path, token, { mode: OWNER_ONLY });
  return path;
}

/** Removes the token of an earlier start, which this process would refuse. */
export async function removeDevToken(dataDir: string): Promise<void> {
  await rm(join(dataDir, DEV_TOKEN_FILE), { force: true });
}

async function readOrGenerate(dataDir: string): Promise<z.output<typeof fileSchema>> {
  const path = join(dataDir, SECRETS_FILE);
  const generated = {
    encryptionKey: randomBytes(32).toString('base64'),
    jwtSecret: randomBytes(32).toString('base64url'),
  };
  try {
    await writeFile(path, JSON.stringify(generated), { mode: OWNER_ONLY, flag: 'wx' });
    return generated;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return parsedSecrets(await readFile(path, 'utf8'), path);
  }
}

/** The secrets file does not have the form that `latchkey dev` writes. */
export class DevSecretsDamaged extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`${path} is damaged`);
    this.name = 'DevSecretsDamaged';
    this.path = path;
  }
}

// Drops the parser's error, because its message may contain a part of the file.
function parsedSecrets(text: string, path: string): z.output<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    throw new DevSecretsDamaged(path);
  }
}
