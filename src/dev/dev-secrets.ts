import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { Secret } from '../config/secret.ts';
import type { RingKey } from '../vault/key-ring.ts';

/** What `dev` generates once and keeps beside its databases: without it they could not be read again. */
export interface DevSecrets {
  encryptionKeys: Secret<readonly RingKey[]>;
  jwtSecret: Secret<Uint8Array>;
}

const SECRETS_FILE = 'secrets.json';
const TOKEN_FILE = 'token';
const ONLY_ME = 0o600;
const TOKEN_LIFETIME = '30d';

const fileSchema = z.object({ encryptionKey: z.base64().length(44), jwtSecret: z.string().min(32) });

export async function devSecrets(dataDir: string): Promise<DevSecrets> {
  const { encryptionKey, jwtSecret } = await readOrGenerate(dataDir);
  return {
    encryptionKeys: new Secret([{ id: 'dev', bytes: Buffer.from(encryptionKey, 'base64') }]),
    jwtSecret: new Secret(new TextEncoder().encode(jwtSecret)),
  };
}

/** A token of user `dev` with admin scope, in a file: it has no place in a log. Answers the file's path. */
export async function writeDevToken(
  dataDir: string,
  { jwtUserClaim }: { jwtUserClaim: string },
  { jwtSecret }: DevSecrets,
): Promise<string> {
  const token = await new SignJWT({ [jwtUserClaim]: 'dev', scope: 'latchkey:admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(jwtSecret.reveal());
  const path = join(dataDir, TOKEN_FILE);
  await writeFile(path, token, { mode: ONLY_ME });
  return path;
}

async function readOrGenerate(dataDir: string): Promise<z.output<typeof fileSchema>> {
  const path = join(dataDir, SECRETS_FILE);
  const generated = {
    encryptionKey: randomBytes(32).toString('base64'),
    jwtSecret: randomBytes(32).toString('base64url'),
  };
  try {
    await writeFile(path, JSON.stringify(generated), { mode: ONLY_ME, flag: 'wx' });
    return generated;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return parsedSecrets(await readFile(path, 'utf8'), path);
  }
}

/** The file of `dev`'s secrets is not what `dev` has written. */
export class DevSecretsDamaged extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`${path} is damaged`);
    this.name = 'DevSecretsDamaged';
    this.path = path;
  }
}

// What is wrong with it is not told: a parser's message may hold a part of the file.
function parsedSecrets(text: string, path: string): z.output<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    throw new DevSecretsDamaged(path);
  }
}
