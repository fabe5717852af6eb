import { z } from 'zod';

const checkSchema = z.enum(['ok', 'down']);

/** The body of `GET /health` while the process serves. */
export const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']).describe('degraded: Temporal is down; deposits still work.'),
    version: z.string(),
    checks: z.object({ postgres: checkSchema, temporal: checkSchema }),
  })
  .meta({ id: 'Health' });
