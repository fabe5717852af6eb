import { z } from 'zod';
import { MAX_PREFLIGHT_CALLS, PREFLIGHT_CODES } from '../contracts/preflight.ts';
import { accountSchema, idSchema } from './id.ts';

/** The body of `POST /preflight`. */
export const preflightRequestSchema = z.strictObject({
  calls: z
    .array(
      z.strictObject({
        mcpServerId: idSchema,
        account: accountSchema,
        tool: idSchema.optional().describe('Default: only the account is checked.'),
      }),
    )
    .min(1)
    .max(MAX_PREFLIGHT_CALLS),
});

export const preflightResultSchema = z
  .object({
    ready: z.boolean().describe('True if all of the calls can be made now.'),
    problems: z
      .array(
        z.object({
          mcpServerId: z.string(),
          account: z.string(),
          tool: z.string().optional(),
          code: z.enum(PREFLIGHT_CODES),
          connectUrl: z
            .string()
            .optional()
            .describe('With needs-oauth-reauth: the page on which the user connects.'),
        }),
      )
      .describe('In the order of the calls: one for each call that can not be made now.'),
  })
  .meta({ id: 'Preflight' });
