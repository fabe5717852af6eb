import { z } from 'zod';

/** ISO 8601, UTC. */
export const timestampSchema = z.string().meta({ format: 'date-time' });
