import { z } from 'zod';
import { BESIDE_OTHER_PROBLEMS } from './field-message.ts';
import { accountSchema, idSchema } from './id.ts';
import { identifyingUrl, plainUrl } from './plain-url.ts';
import { scopesSchema, singleLine } from './text.ts';
import { keylessAuthMethodSchema } from './token-endpoint-auth-method.ts';

/** The range that RFC 3339 can write and `timestamptz` can store. Milliseconds since 1970. */
export const EARLIEST = Date.parse('0001-01-01T00:00:00Z');
export const LATEST = Date.parse('9999-12-31T23:59:59.999Z');
const YEARS = 'must be of the years 1 to 9999';

/** The body of `POST /mcp-oauth-credentials`. It hands over sole use of the refresh token. */
export const depositSchema = z
  .strictObject({
    mcpServerId: idSchema,
    refreshToken: singleLine(65_536),
    tokenEndpoint: plainUrl(),
    clientId: singleLine(255).optional(),
    clientSecret: singleLine(4096).optional(),
    clientSecretExpiresAt: z
      .string()
      .max(64)
      .refine((date) => !Number.isNaN(Date.parse(date)), 'must be a date')
      .refine((date) => !(Date.parse(date) < EARLIEST || Date.parse(date) > LATEST), YEARS)
      .optional()
      .describe('A date such as 2026-12-31T23:59:59Z, of the years 1 to 9999.'),
    tokenEndpointAuthMethod: keylessAuthMethodSchema.optional(),
    scopes: scopesSchema.optional(),
    accessToken: z
      .string()
      .min(1)
      .max(16 * 1024)
      .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII (RFC 6750)')
      .optional(),
    /** Seconds for which `accessToken` is still valid. */
    expiresIn: z.number().nonnegative().optional(),
    /** The `resource` of the authorization request, sent again with each refresh. RFC 8707. */
    resource: identifyingUrl().optional(),
    issuer: plainUrl().optional(),
    account: accountSchema,
    label: singleLine(255).optional().describe('What to call the account in lists and pages.'),
    subject: singleLine(255)
      .optional()
      .describe('Whose account it is at the provider, such as the `sub` of its ID token.'),
    replace: z
      .boolean()
      .optional()
      .describe('Replaces a connection whose subject is another one. Default: false.'),
    onlyIfAbsent: z
      .boolean()
      .optional()
      .describe(
        'Leaves an account that is connected as it is, with 409 `already-connected`. One that needs its user (`reauth-required`) does not count as connected. Includes `unlessDisconnected`. Default: false.',
      ),
    unlessDisconnected: z
      .boolean()
      .optional()
      .describe(
        'Leaves an account that was disconnected, or whose user was forgotten, as it is, with 409 `disconnected`. Default: false.',
      ),
    validateOnly: z
      .boolean()
      .optional()
      .describe('Answers as the deposit would be answered, and stores nothing. Default: false.'),
  })
  .superRefine((deposit, context) => {
    if (deposit.clientSecret !== undefined && deposit.clientId === undefined) {
      context.addIssue({ code: 'custom', path: ['clientId'], message: 'is required with clientSecret' });
    }
    const method = deposit.tokenEndpointAuthMethod;
    if (
      method !== undefined &&
      method !== 'none' &&
      deposit.clientId !== undefined &&
      !deposit.clientSecret
    ) {
      context.addIssue({ code: 'custom', path: ['clientSecret'], message: `is required with ${method}` });
    }
    if (deposit.expiresIn !== undefined && deposit.accessToken === undefined) {
      context.addIssue({ code: 'custom', path: ['accessToken'], message: 'expiresIn needs accessToken' });
    }
  }, BESIDE_OTHER_PROBLEMS);

export type Deposit = z.output<typeof depositSchema>;
