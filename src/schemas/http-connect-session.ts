import { z } from 'zod';
import { idSchema } from './id.ts';

/** The body of `POST /connect-sessions`. */
export const connectSessionSchema = z.strictObject({
  mcpServerId: idSchema,
  returnTo: z.url().max(2048).optional(),
});
