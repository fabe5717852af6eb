import { z } from 'zod';
import { isWithoutControl, NO_CONTROL_PATTERN } from './text.ts';

const LENGTH = 'must be a text of 1 to 255 characters';

/** An id: 1–255 characters (code points) without control characters. */
// Control characters break logs and queries. A lone surrogate has no UTF-8 form, so two different ids could become
// the same id on their way to Postgres or Temporal.
export const idSchema = z
  .string()
  .min(1, LENGTH)
  .refine((id) => id.length <= 510 && [...id].length <= 255, LENGTH)
  .refine(isWithoutControl, 'must not contain control characters')
  .refine((id) => id.isWellFormed(), 'must be well-formed Unicode')
  .meta({ minLength: 1, maxLength: 255, pattern: NO_CONTROL_PATTERN });

/** Which account of the user at a server. */
export const accountSchema = idSchema
  .optional()
  .describe('Which account of the user at this server. Default: `default`.');

/** A step's id: 1–128 of `A–Z a–z 0–9 . _ ~ -`. */
export const stepIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,128}$/, 'must be 1–128 of A–Z a–z 0–9 . _ ~ -');
