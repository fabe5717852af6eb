import { z } from 'zod';
import { CONNECTION_REASONS } from '../contracts/step.ts';
import { timestampSchema } from './text.ts';

/** A disconnected connection is in no list. */
export const CONNECTION_STATUSES = ['connected', 'reauth-required'] as const;

/** The answer to a deposit. */
export const storedSchema = z.object({
  stored: z.boolean().describe('False only with `validateOnly`: the rest is what the deposit would do.'),
  changed: z.boolean().describe('False if the deposit changed nothing. The version then stays the same.'),
  version: z.int().nonnegative(),
  resuming: z.int().nonnegative().describe('Number of steps that waited for this deposit and now resume.'),
});

/** What `POST /mcp-oauth-credentials` answers. */
export type StoredAnswer = z.output<typeof storedSchema>;

/** The connection of one account of a user to one server. */
export const connectionSchema = z
  .object({
    mcpServerId: z.string(),
    account: z.string(),
    label: z.string().optional().describe('What the account is called.'),
    status: z.enum(CONNECTION_STATUSES),
    reason: z.enum(CONNECTION_REASONS).optional().describe('With reauth-required.'),
    scopes: z.string().optional(),
    version: z.int().nonnegative(),
    updatedAt: timestampSchema,
    waitingSteps: z.int().nonnegative(),
  })
  .meta({ id: 'Connection' });

export const connectionsSchema = z.object({
  connections: z.array(connectionSchema),
  nextCursor: z.string().optional().describe('With a limit.'),
});
