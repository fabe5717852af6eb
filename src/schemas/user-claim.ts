import { idSchema } from './id.ts';

/** Returns the user id in a claim: a valid id, or a safe integer as text. Undefined for anything else. */
export function userIdFromClaim(claim: unknown): string | undefined {
  if (typeof claim === 'number') return Number.isSafeInteger(claim) ? String(claim) : undefined;
  return idSchema.safeParse(claim).data;
}
