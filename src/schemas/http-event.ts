import { z } from 'zod';

/** A change number in decimal: a bigint. */
export const changeSchema = z.string().regex(/^\d{1,19}$/, 'must be a change number');

export const eventsQuerySchema = z.strictObject({
  after: changeSchema
    .optional()
    .describe('The change number that you have seen. The header Last-Event-ID, if sent, counts instead.'),
});

/** What `GET /events` answers where no stream is wanted. */
export const changeAnswerSchema = z
  .object({
    change: z.string().describe('The number of the latest change.'),
    changed: z.boolean().describe('Whether it differs from `after`. True without `after`.'),
  })
  .meta({ id: 'Change' });
