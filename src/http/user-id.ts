import { idSchema } from '../schemas/id.ts';

/** The user that a claim names: an id as it stands, or a safe integer as text; undefined for anything else. */
export function userIdFromClaim(claim: unknown): string | undefined {
  if (typeof claim === 'number') return Number.isSafeInteger(claim) ? String(claim) : undefined;
  return idSchema.safeParse(claim).data;
}
