import { randomBytes } from 'node:crypto';
import { type Config, formatProblems, loadConfig, type Role } from '../../src/config/load-config.ts';

export const ROLES = ['operator', 'worker', 'server', 'dev'] as const satisfies Role[];
export const KEY = randomBytes(32);
export const JWT_SECRET = 'a-secret-of-no-less-than-32-bytes';

export const MINIMAL = {
  DATABASE_URL: 'postgres://latchkey:pw@db.example:5432/latchkey',
  ENCRYPTION_KEYS: `k1:${KEY.toString('base64')}`,
  JWT_SECRET,
};

export const JWKS = {
  JWT_JWKS_URL: 'https://issuer.example/jwks',
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'latchkey',
};

export type Env = Record<string, string | undefined>;

export function configOf<R extends Role>(role: R, env: Env): Config<R> {
  const loaded = loadConfig(role, env);
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
  return loaded.config;
}

export function problemsOf(role: Role, env: Env): Record<string, string[]> {
  const loaded = loadConfig(role, env);
  const found: Record<string, string[]> = {};
  for (const { variable, problem } of loaded.ok ? [] : loaded.problems) {
    found[variable] = [...(found[variable] ?? []), problem];
  }
  return found;
}
