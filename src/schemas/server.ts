import { z } from 'zod';
import { httpUrl, oauth2Schema } from './oauth2-auth.ts';
import { singleLine } from './text.ts';

// RFC 9110 §5.1 and §5.5: a field name is a token; a value holds no CR, LF or NUL.
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'must be an HTTP field name')
  .refine((name) => name.toLowerCase() !== 'authorization', 'must not be Authorization: use auth');
const headerValue = z
  .string()
  .max(8192)
  .regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/, 'must be an HTTP field value');

export const DEFAULT_MAX_RESULT_BYTES = 10 * 1024 * 1024;
const MAX_RESULT_BYTES_LIMIT = 100 * 1024 * 1024;

/** The body of `PUT /mcp-servers/:id`. */
export const serverRegistrationSchema = z.strictObject({
  url: httpUrl,
  auth: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({
      type: z.literal('bearer'),
      token: z
        .string()
        .min(1)
        .max(16_384)
        .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII (RFC 6750)'),
    }),
    oauth2Schema,
  ]),
  title: singleLine(255).optional(),
  headers: z.record(headerName, headerValue).optional(),
  /** Trust the annotations of the server's tools. Only then may a lost call be repeated because of them. */
  trustAnnotations: z.boolean().default(false),
  maxResultBytes: z.int().min(1024).max(MAX_RESULT_BYTES_LIMIT).default(DEFAULT_MAX_RESULT_BYTES),
  /** The most calls that all workers together make to the server at once. */
  maxConcurrentCalls: z.int().min(1).max(10_000).optional(),
  /** While a server is paused, its steps wait. */
  paused: z.boolean().default(false),
});

export type ServerRegistration = z.output<typeof serverRegistrationSchema>;
