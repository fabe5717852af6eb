import { z } from 'zod';
import { IDLE_LIMIT_MS, parseDuration } from '../contracts/durations.ts';
import { BESIDE_OTHER_PROBLEMS } from './field-message.ts';
import { plainUrl } from './plain-url.ts';
import { scopesSchema, singleLine } from './text.ts';
import { notAvailable, tokenEndpointAuthMethodSchema } from './token-endpoint-auth-method.ts';

const httpUrl = plainUrl(/^https?:/i);
// RFC 8414 §2. An issuer is stored and shown in clear, and a query may hold secrets.
const issuerUrl = httpUrl.refine((url) => !url.includes('?'), 'must have no query');

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

const idleLimitSchema = z
  .string()
  .max(64)
  .superRefine((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) context.addIssue({ code: 'custom', message: 'must be a duration such as 30 days' });
    else if (ms < IDLE_LIMIT_MS.min || ms > IDLE_LIMIT_MS.max)
      context.addIssue({ code: 'custom', message: 'must be between 1 hour and 365 days' });
  });

const oauth2Schema = z
  .strictObject({
    type: z.literal('oauth2'),
    clientId: z.string().min(1).max(255).optional(),
    clientSecret: z.string().min(1).max(4096).optional(),
    /** How the client authenticates at the token endpoint; if absent, it is discovered. */
    tokenEndpointAuthMethod: tokenEndpointAuthMethodSchema.optional(),
    privateKey: notAvailable('privateKey').optional(),
    scopes: scopesSchema.optional(),
    authorizationServer: issuerUrl.optional(),
    /** The authorization server expires a refresh token that has not been used for this long. */
    idleLimit: idleLimitSchema.optional(),
  })
  .refine((auth) => auth.clientSecret === undefined || auth.clientId !== undefined, {
    message: 'is required with clientSecret',
    path: ['clientId'],
    ...BESIDE_OTHER_PROBLEMS,
  })
  .refine(
    ({ clientId, clientSecret, tokenEndpointAuthMethod }) =>
      clientId === undefined || clientSecret !== undefined || !isWithSecret(tokenEndpointAuthMethod),
    {
      message: 'is required with this tokenEndpointAuthMethod',
      path: ['clientSecret'],
      ...BESIDE_OTHER_PROBLEMS,
    },
  );

// An unknown method gets here too. Its own check reports it.
function isWithSecret(method: unknown): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

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
});

export type ServerRegistration = z.output<typeof serverRegistrationSchema>;
