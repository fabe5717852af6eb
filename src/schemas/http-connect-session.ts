import { z } from 'zod';
import { accountSchema, idSchema } from './id.ts';
import { singleLine, timestampSchema } from './text.ts';

/** The body of `POST /connect-sessions`. */
export const newConnectSessionSchema = z.strictObject({
  mcpServerId: idSchema,
  account: accountSchema,
  returnTo: singleLine(2048)
    .optional()
    .describe('Where the browser goes afterwards: a URL at an origin of RETURN_ORIGINS.'),
  loginHint: singleLine(255).optional().describe('Sent to the authorization server as `login_hint`.'),
  confirm: z
    .enum(['host'])
    .optional()
    .describe('The consent counts only after `POST /connect-sessions/:id/confirm`.'),
});

export const createdConnectSessionSchema = z.object({
  connectSessionId: z.string(),
  url: z.string().describe('A link for the browser of the user. It works for 15 minutes, for one consent.'),
  expiresAt: timestampSchema,
});

/** Without its `code`. */
export const connectSessionSchema = z.object({
  connectSessionId: z.string(),
  mcpServerId: z.string(),
  account: z.string(),
  status: z.enum(['open', 'awaiting-confirmation', 'connected', 'denied', 'failed', 'expired']),
  label: z.string().optional().describe('The name of the account at the provider.'),
});
