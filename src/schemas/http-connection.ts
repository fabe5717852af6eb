import { z } from 'zod';
import { timestampSchema } from './http-timestamp.ts';

export const CONNECTION_REASONS = [
  'invalid-grant',
  'refresh-refused',
  'invalid-client',
  'refresh-outcome-lost',
  'client-secret-expired',
  'no-refresh-token',
  'undecryptable',
  'server-changed',
  'token-rejected',
] as const;

/** The answer to a deposit. */
export const storedSchema = z.object({
  stored: z.literal(true),
  changed: z
    .boolean()
    .describe('False where everything was stored already; then the version is what it was.'),
  version: z.int().nonnegative(),
  resuming: z.int().nonnegative().describe('Steps that waited for this deposit and go on now.'),
});

/** One user's connection to one server. */
export const connectionSchema = z
  .object({
    mcpServerId: z.string(),
    status: z.enum(['connected', 'reauth-required']),
    reason: z.enum(CONNECTION_REASONS).optional().describe('With reauth-required.'),
    scopes: z.string().optional(),
    version: z.int().nonnegative(),
    updatedAt: timestampSchema,
    waitingSteps: z.int().nonnegative(),
  })
  .meta({ id: 'Connection' });

export const connectionsSchema = z.object({ connections: z.array(connectionSchema) });
