import { z } from 'zod';
import { type Environment, parseVariable, part, type Report, type VariableHelp } from './part.ts';
import { Secret } from './secret.ts';
import { httpUrl, text } from './variables.ts';

/** How callers' tokens are verified: HS256 with a shared secret, or an issuer's published keys. */
export type JwtVerification =
  | { kind: 'secret'; secret: Secret<Uint8Array> }
  | { kind: 'jwks'; url: string; issuer: string; audience: string };

/** RFC 7518 §3.2: the key must be at least as long as the hash. */
const MIN_SECRET_BYTES = 32;
const JWKS_FORM = ['JWT_JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE'] as const;

const secretBytes = z
  .string()
  .transform((secret) => new TextEncoder().encode(secret))
  .refine((bytes) => bytes.byteLength >= MIN_SECRET_BYTES, `must be at least ${MIN_SECRET_BYTES} bytes long`)
  .transform((bytes) => new Secret(bytes));

export const jwtVerification = part((env, report) => {
  const verification = readVerification(env, report);
  if (verification === undefined) {
    report('JWT_SECRET', `is required, or else all of ${JWKS_FORM.join(', ')}`);
    return z.NEVER;
  }
  return verification;
}, jwtHelp('required, or the three of JWKS'));

export const optionalJwtVerification = part(readVerification, jwtHelp('generated'));

function jwtHelp(unset: string): VariableHelp[] {
  return [
    { name: 'JWT_SECRET', meaning: "verifies callers' tokens (HS256), 32 bytes or more", unset },
    {
      name: 'JWT_JWKS_URL',
      meaning: "instead of JWT_SECRET: the address of the issuer's keys",
      unset: 'off',
    },
    { name: 'JWT_ISSUER', meaning: 'required beside JWT_JWKS_URL: the name of the issuer', unset: 'off' },
    {
      name: 'JWT_AUDIENCE',
      meaning: 'required beside JWT_JWKS_URL: the audience of the tokens',
      unset: 'off',
    },
  ];
}

function readVerification(env: Environment, report: Report): JwtVerification | undefined {
  const jwksForm = JWKS_FORM.filter((name) => env[name] !== undefined);
  if (env.JWT_SECRET !== undefined) {
    for (const name of jwksForm) report(name, 'cannot be set beside JWT_SECRET: choose one of the two forms');
    return { kind: 'secret', secret: parseVariable('JWT_SECRET', secretBytes, env, report) };
  }
  if (jwksForm.length === 0) return undefined;
  return {
    kind: 'jwks',
    url: parseVariable('JWT_JWKS_URL', httpUrl, env, report),
    issuer: parseVariable('JWT_ISSUER', text, env, report),
    audience: parseVariable('JWT_AUDIENCE', text, env, report),
  };
}
