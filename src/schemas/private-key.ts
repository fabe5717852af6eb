import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

const member = z.string().min(1).max(8_192);

/**
 * The private keys for each algorithm; of those for the same keys, the usual one is the first. RFC 7518 §3.1, RFC 8037
 * §3.1, RFC 9864 §2.2.
 */
const KEYS: Record<string, { kty: string; crv?: string }> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
};

/** RFC 7518 §3.3. */
const MIN_RSA_BITS = 2_048;

/**
 * A private key for `private_key_jwt` (RFC 7523) as a JWK. Members that are not known are dropped (RFC 7517 §4), and a
 * JWK without `alg`, as most programs export it, gets the usual one of its key.
 */
export const privateKeySchema = z
  .object({
    kty: z.enum(['RSA', 'EC', 'OKP']),
    alg: z.string().max(16).optional(),
    kid: member.optional(),
    use: z.literal('sig').optional(),
    key_ops: z.array(z.string().max(16)).max(8).optional(),
    ext: z.boolean().optional(),
    crv: member.optional(),
    ...{ d: member, x: member.optional(), y: member.optional(), n: member.optional(), e: member.optional() },
    ...{ p: member.optional(), q: member.optional(), dp: member.optional(), dq: member.optional() },
    qi: member.optional(),
    x5t: member.optional(),
    'x5t#S256': member.optional(),
    x5c: z.array(member).max(10).optional(),
  })
  .transform((jwk, context) => {
    const alg = jwk.alg ?? usualAlgorithm(jwk);
    const known = alg !== undefined && Object.hasOwn(KEYS, alg) ? KEYS[alg] : undefined;
    if (alg !== undefined && known?.kty === jwk.kty && known.crv === jwk.crv && isPrivateKey(jwk)) {
      return { ...jwk, alg };
    }
    if (jwk.alg !== undefined && known === undefined) {
      const message = `must be one of ${Object.keys(KEYS).join(', ')}`;
      context.addIssue({ code: 'custom', path: ['alg'], message });
    } else {
      const message = `must be a private key for its alg (RSA: at least ${MIN_RSA_BITS} bits)`;
      context.addIssue({ code: 'custom', message });
    }
    return z.NEVER;
  });

function usualAlgorithm(jwk: { kty: string; crv?: string | undefined }): string | undefined {
  return Object.entries(KEYS).find(([, { kty, crv }]) => kty === jwk.kty && crv === jwk.crv)?.[0];
}

function isPrivateKey(jwk: { key_ops?: string[] | undefined }): boolean {
  if (jwk.key_ops !== undefined && !jwk.key_ops.includes('sign')) return false;
  try {
    // Members that are absent are `undefined` in zod's types only.
    const key = createPrivateKey({ key: JSON.parse(JSON.stringify(jwk)), format: 'jwk' });
    return (key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) >= MIN_RSA_BITS;
  } catch {
    return false;
  }
}

export type PrivateKey = z.output<typeof privateKeySchema>;
