import { z } from 'zod';
import { Secret } from './secret.ts';

const CONTROL = /\p{Cc}/u;

const required = z.string('is required');

/** Text for logs, queries and headers: at most 255 characters, no control characters. */
export const text = required
  .max(255, 'must be at most 255 characters long')
  .refine((value) => value.trim() !== '' && !CONTROL.test(value), 'must be text without control characters');

/** A whole number written in decimal digits. */
export function integer(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string(message)
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** An `http:` or `https:` URL without user and password. */
export const httpUrl = required
  .trim()
  .refine(isHttpUrl, 'must be an http:// or https:// URL without user and password');

/** A Postgres connection string. */
export const postgresUrl = required
  .trim()
  .refine(
    (value) => /^postgres(ql)?:\/\//i.test(value) && URL.canParse(value),
    'must be a postgres:// URL (characters such as # / ? @ in a password are percent-encoded)',
  )
  .transform((value) => new Secret(value));

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, `must be one of ${words.join(', ')}`);
}

function isHttpUrl(value: string): boolean {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.username === '' && url.password === '';
}
