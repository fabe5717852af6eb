import { z } from 'zod';
import { parseDuration } from '../contracts/durations.ts';
import {
  AWAITING_INPUT_REASONS,
  CONNECTION_REASONS,
  STEP_ERROR_CODES,
  STEP_MODES,
  STEP_STATUSES,
} from '../contracts/step.ts';
import { BESIDE_OTHER_PROBLEMS } from './field-message.ts';
import { annotationsSchema } from './http-tool.ts';
import { idSchema, stepIdSchema } from './id.ts';
import { timestampSchema } from './text.ts';

const statusSchema = z.enum(STEP_STATUSES);

export const resultSchema = z.object({
  content: z.array(z.unknown()),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  warnings: z.array(z.string()).optional(),
  stored: z
    .object({ id: z.string(), bytes: z.int() })
    .optional()
    .describe("Only where a large result can't be delivered: then content is empty, and warnings say why."),
});

const errorSchema = z.object({
  code: z.enum(STEP_ERROR_CODES),
  message: z.string(),
  serverMessage: z
    .string()
    .max(2000)
    .optional()
    .describe("The MCP server's own words, where it answered the call with a JSON-RPC error."),
});

const pauseFields = {
  requiredScopes: z.array(z.string()).optional().describe('With needs-oauth-scope.'),
  connectionReason: z
    .enum([...CONNECTION_REASONS, 'not-connected'])
    .optional()
    .describe('With needs-oauth-reauth.'),
};

/** A step as a list shows it. */
export const stepSummarySchema = z
  .object({
    kind: z
      .literal('listing')
      .optional()
      .describe('A listing of tools (workflow mcpTools) that waits for its user. Its tool is empty.'),
    stepId: z.string(),
    workflowId: z.string(),
    mcpServerId: z.string(),
    account: z.string(),
    tool: z.string(),
    title: z.string().optional(),
    mode: z.enum(STEP_MODES),
    status: statusSchema,
    awaitingInputReason: z.enum(AWAITING_INPUT_REASONS).optional(),
    ...pauseFields,
    connectUrl: z.string().optional().describe('The page on which the user reconnects the server.'),
    error: errorSchema.optional(),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .meta({ id: 'StepSummary' });

export const stepSchema = stepSummarySchema
  .extend({
    pending: z
      .object({ arguments: z.record(z.string(), z.unknown()), annotations: annotationsSchema.optional() })
      .optional(),
    connections: z
      .array(
        z.object({
          mcpServerId: z.string(),
          account: z.string(),
          ...pauseFields,
          awaitingInputReason: z.enum(AWAITING_INPUT_REASONS),
          connectUrl: z.string(),
        }),
      )
      .optional()
      .describe('With a listing that is paused: all the connections that it waits for.'),
    result: resultSchema.optional(),
    timeline: z.array(z.looseObject({ at: timestampSchema, event: z.string() })),
  })
  .meta({ id: 'Step' });

export const stepsSchema = z.object({
  steps: z.array(stepSummarySchema),
  nextCursor: z.string().optional(),
});

export const stepParamsSchema = z.object({ stepId: stepIdSchema });

/** Many proxies close a connection on which nothing is sent for longer. */
const MAX_WAIT_MS = 60_000;

export const stepQuerySchema = z.strictObject({
  wait: z
    .string()
    .refine((text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= MAX_WAIT_MS, {
      message: 'must be a duration such as 30s, at most 60s',
    })
    .optional()
    .describe('Wait until the status changes, or for this long (at most 60s).'),
});

const LIMIT = 'must be a whole number from 1 to 100';

const pageSizeSchema = z
  .string(LIMIT)
  .regex(/^([1-9][0-9]?|100)$/, LIMIT)
  .transform(Number)
  .meta({ type: 'integer', minimum: 1, maximum: 100, pattern: undefined });

/** How many entries a page has. */
export const limitSchema = pageSizeSchema
  .default(20)
  .meta({ type: 'integer', minimum: 1, maximum: 100, default: 20, pattern: undefined });

/** The same for lists that answered everything before they had pages, and still do without it. */
export const optionalLimitSchema = pageSizeSchema
  .optional()
  .describe('How many there are on a page. Default: all.');

export const cursorSchema = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe('The nextCursor of the previous page.');

/** The query of such a list. */
export const wholeListQuerySchema = z.strictObject({ limit: optionalLimitSchema, cursor: cursorSchema });

export const listStepsQuerySchema = z.strictObject({
  status: statusSchema.optional(),
  mcpServerId: idSchema.optional().describe('Only steps that call this server.'),
  limit: limitSchema,
  cursor: cursorSchema,
});

const pauseSchema = z
  .string()
  .max(64)
  .optional()
  .describe(
    'The pause that you decide about: at of the timeline entry awaiting-input that you saw. In another pause the answer is 409.',
  );

/** The body of `POST /steps/:stepId/approve`. */
export const approveSchema = z.strictObject({
  pause: pauseSchema,
  arguments: z.record(z.string(), z.unknown()).optional(),
});

/** The body of `POST /steps/:stepId/reject`. */
export const rejectSchema = z.strictObject({
  pause: pauseSchema,
  reason: z.string().max(2048).optional(),
});

const resolution = {
  action: z.enum(['retry', 'succeed', 'fail']),
  result: z
    .strictObject({
      content: z.array(z.unknown()).optional(),
      structuredContent: z.record(z.string(), z.unknown()).optional(),
    })
    .optional()
    .describe('Only with succeed: the result that the tool would have returned.'),
};

const ONLY_WITH_SUCCEED = { message: 'only goes with succeed', path: ['result'], ...BESIDE_OTHER_PROBLEMS };

function hasResultOnlyWithSucceed({ action, result }: { action: string; result?: unknown }): boolean {
  return result === undefined || action === 'succeed';
}

/** The body of `POST /steps/:stepId/resolve`. */
export const resolveSchema = z
  .strictObject({ pause: pauseSchema, ...resolution })
  .refine(hasResultOnlyWithSucceed, ONLY_WITH_SUCCEED);

const instantSchema = z.iso.datetime({ offset: true });

/** The body of `POST /steps/resolve-many`. */
export const resolveManySchema = z
  .strictObject({
    mcpServerId: idSchema,
    from: instantSchema.describe(
      'Start of the interval in which the steps were created (`createdAt`). Both ends are included.',
    ),
    to: instantSchema,
    ...resolution,
  })
  .refine(hasResultOnlyWithSucceed, ONLY_WITH_SUCCEED)
  .refine(({ from, to }) => !(Date.parse(from) > Date.parse(to)), {
    message: 'must not be before from',
    path: ['to'],
    ...BESIDE_OTHER_PROBLEMS,
  });

const countSchema = z.int().min(0);

export const resolvedManySchema = z.object({
  resolved: countSchema,
  skipped: countSchema.describe('Steps that wait for something else, or no longer wait.'),
  failed: countSchema.describe('Steps for which no worker answered. Send the request again.'),
});
