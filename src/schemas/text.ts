import { z } from 'zod';

/** ISO 8601, UTC. */
export const timestampSchema = z.string().meta({ format: 'date-time' });

const CONTROL = /\p{Cc}/u;

/** The same rule for OpenAPI, in syntax that every dialect of regular expressions supports. */
export const NO_CONTROL_PATTERN = String.raw`^[^\x00-\x1f\x7f-\x9f]*$`;

export const isWithoutControl = (text: string) => !CONTROL.test(text);

/** Text on one line, for people or protocols. Postgres rejects NUL, and a line break could forge a log line. */
export function singleLine(max: number) {
  const length = `must be a text of 1 to ${max} characters`;
  return (
    z
      .string()
      .min(1, length)
      .max(max, length)
      .refine(isWithoutControl, 'must not contain control characters')
      // A lone surrogate has no UTF-8 form, so a different text would be stored or sent.
      .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
      .meta({ pattern: NO_CONTROL_PATTERN })
  );
}

/** RFC 6749 §3.3: visible ASCII except `"` and `\`, separated by spaces. May be empty. */
export const scopesSchema = z
  .string()
  .max(2048)
  .regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/, 'must be space-separated scopes (RFC 6749)');
