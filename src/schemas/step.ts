import { z } from 'zod';
import { MAX_TIMEOUTS_MS, parseDuration, type TimeoutName } from '../contracts/durations.ts';
import type { StepRequest } from '../contracts/step.ts';
import { idSchema, stepIdSchema } from './id.ts';
import { lineOfText } from './text.ts';

const timeoutSchema = (name: TimeoutName) =>
  z
    .string()
    .max(64)
    .superRefine((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined)
        context.addIssue({ code: 'custom', message: 'must be a duration such as 30s, 5m or 30 days' });
      else if (ms > MAX_TIMEOUTS_MS[name])
        context.addIssue({ code: 'custom', message: 'is over its ceiling' });
    })
    .optional();

/** The body of `POST /steps`. */
export const stepRequestSchema = z.strictObject({
  mcpServerId: idSchema,
  tool: idSchema,
  arguments: z.record(z.string(), z.unknown()).optional(),
  stepId: stepIdSchema.optional(),
  title: lineOfText(255).optional(),
  mode: z.enum(['fully-automated', 'automated-with-confirmation', 'confirm-destructive']).optional(),
  sideEffects: z.enum(['auto', 'read-only', 'idempotent', 'unsafe']).optional(),
  timeouts: z
    .strictObject({
      call: timeoutSchema('call'),
      approval: timeoutSchema('approval'),
      reauth: timeoutSchema('reauth'),
      resolution: timeoutSchema('resolution'),
      unavailable: timeoutSchema('unavailable'),
    })
    .optional(),
});

// Fails to compile when the schema and the contract's type drift apart (JSON never holds `undefined`).
type Defined<T> = T extends unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]: Defined<Exclude<T[K], undefined>> }
    : T;
export const asStepRequest = (parsed: Defined<z.output<typeof stepRequestSchema>>): StepRequest => parsed;
