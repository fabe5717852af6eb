import { z } from 'zod';

/** Text for people or protocols on one line: Postgres takes no NUL, and a line break forges log lines. */
export function lineOfText(max: number) {
  const length = `must be a text of 1 to ${max} characters`;
  return z
    .string()
    .min(1, length)
    .max(max, length)
    .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
}

/** RFC 6749 §3.3: visible ASCII but `"` and `\`, separated by spaces. May be empty. */
export const scopesSchema = z
  .string()
  .max(2048)
  .regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/, 'must be space-separated scopes (RFC 6749)');
