import { z } from 'zod';
import { type TimeoutName, timeoutProblem } from '../contracts/durations.ts';
import { SIDE_EFFECTS, STEP_MODES, type StepRequest } from '../contracts/step.ts';
import { accountSchema, idSchema, stepIdSchema } from './id.ts';
import { singleLine } from './text.ts';

/** A duration within the limits of this timeout. */
export const timeoutSchema = (name: TimeoutName) =>
  z
    .string()
    .superRefine((text, context) => {
      const message = timeoutProblem(name, text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .optional();

/** The body of `POST /steps`. */
export const stepRequestSchema = z.strictObject({
  mcpServerId: idSchema,
  account: accountSchema,
  tool: idSchema,
  arguments: z.record(z.string(), z.unknown()).optional(),
  stepId: stepIdSchema.optional(),
  title: singleLine(255).optional(),
  mode: z.enum(STEP_MODES).optional(),
  sideEffects: z.enum(SIDE_EFFECTS).optional(),
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

// Compiles only while the schema and the contract's type agree. `Defined` drops `undefined`, which JSON does not
// have.
type Defined<T> = T extends unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]: Defined<Exclude<T[K], undefined>> }
    : T;
export const asStepRequest = (parsed: Defined<z.output<typeof stepRequestSchema>>): StepRequest => parsed;
