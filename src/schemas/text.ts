import { z } from 'zod';

const CONTROL = /\p{Cc}/u;

/** The same for OpenAPI, in what every dialect of regular expressions understands. */
export const NO_CONTROL_PATTERN = String.raw`^[^\x00-\x1f\x7f-\x9f]*$`;

export const isWithoutControl = (text: string) => !CONTROL.test(text);

/** Text for people or protocols on one line: Postgres takes no NUL, and a line break forges log lines. */
export function lineOfText(max: number) {
  const length = `must be a text of 1 to ${max} characters`;
  return (
    z
      .string()
      .min(1, length)
      .max(max, length)
      .refine(isWithoutControl, 'must not contain control characters')
      // A lone surrogate has no UTF-8 form: what is stored or sent would be another text.
      .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
      .meta({ pattern: NO_CONTROL_PATTERN })
  );
}

/** RFC 6749 §3.3: visible ASCII but `"` and `\`, separated by spaces. May be empty. */
export const scopesSchema = z
  .string()
  .max(2048)
  .regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/, 'must be space-separated scopes (RFC 6749)');
