import { z } from 'zod';
import { BESIDE_OTHER_PROBLEMS } from './field-message.ts';
import { idSchema } from './id.ts';
import { plainUrl } from './plain-url.ts';
import { lineOfText, scopesSchema } from './text.ts';
import { tokenEndpointAuthMethodSchema } from './token-endpoint-auth-method.ts';

// What has one notation in RFC 3339, and fits into a `timestamptz`.
const EARLIEST = Date.parse('0001-01-01T00:00:00Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');
const YEARS = 'must be of the years 1 to 9999';

/** The body of `POST /mcp-oauth-credentials`. It hands over sole use of the refresh token. */
export const depositSchema = z
  .strictObject({
    mcpServerId: idSchema,
    refreshToken: lineOfText(65_536),
    tokenEndpoint: plainUrl(),
    clientId: lineOfText(255).optional(),
    clientSecret: lineOfText(4096).optional(),
    clientSecretExpiresAt: z
      .string()
      .max(64)
      .refine((date) => !Number.isNaN(Date.parse(date)), 'must be a date')
      .refine((date) => !(Date.parse(date) < EARLIEST || Date.parse(date) > LATEST), YEARS)
      .optional()
      .describe('A date such as 2026-12-31T23:59:59Z, of the years 1 to 9999.'),
    tokenEndpointAuthMethod: tokenEndpointAuthMethodSchema.optional(),
    scopes: scopesSchema.optional(),
    accessToken: z
      .string()
      .min(1)
      .max(16 * 1024)
      .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII (RFC 6750)')
      .optional(),
    /** Seconds that `accessToken` is still good for. */
    expiresIn: z.number().nonnegative().optional(),
    /** RFC 8707: what the authorization request said; repeated on each refresh. */
    resource: plainUrl().optional(),
    issuer: plainUrl().optional(),
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
