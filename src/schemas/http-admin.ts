import { z } from 'zod';
import {
  AWAITING_INPUT_REASONS,
  CONNECTION_REASONS,
  STEP_ERROR_CODES,
  STEP_STATUSES,
} from '../contracts/step.ts';
import { CONNECTION_STATUSES, connectionSchema } from './http-connection.ts';
import {
  cursorSchema,
  limitSchema,
  optionalLimitSchema,
  resultSchema,
  stepSummarySchema,
} from './http-step.ts';
import { idSchema } from './id.ts';
import { timestampSchema } from './text.ts';

const EARLIEST = new Date('1970-01-01T00:00:00Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');

/** A moment, or the beginning of a day in UTC. Bounded to what databases and Temporal can compare with. */
export const sinceSchema = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    'must be a time such as 2026-11-26T12:00:00Z, or a date',
  )
  .transform((text) => {
    const moment = new Date(text);
    if (moment < EARLIEST) return EARLIEST;
    return moment > LATEST ? LATEST : moment;
  });

const ofUser = idSchema.optional().describe('Only of this user.');
const ofServer = idSchema.optional().describe('Only of this MCP server.');

/** Why a step waits, or the code of its error. */
export const STEP_REASONS = [...new Set([...AWAITING_INPUT_REASONS, ...STEP_ERROR_CODES])] as const;

export const listAllStepsQuerySchema = z.strictObject({
  userId: ofUser,
  mcpServerId: ofServer,
  status: z.enum(STEP_STATUSES).optional(),
  reason: z
    .enum(STEP_REASONS)
    .optional()
    .describe('Why a step waits or, with the status error, the code of its error.'),
  since: sinceSchema.optional().describe('Only steps that were created then or later.'),
  limit: limitSchema,
  cursor: cursorSchema,
});

/** A step as admins see it in lists. What is content needs the scope `latchkey:admin:content`. */
export const ownedStepSchema = stepSummarySchema
  .omit({ connectUrl: true, error: true })
  .extend({
    userId: z.string(),
    title: z.string().optional().describe('Content.'),
    error: z
      .object({
        code: z.enum(STEP_ERROR_CODES),
        message: z.string().optional().describe('Content.'),
        serverMessage: z.string().optional().describe('Content.'),
      })
      .optional(),
    arguments: z.record(z.string(), z.unknown()).optional().describe('Content: those of the start.'),
    result: resultSchema.optional().describe('Content.'),
    contentLeftOut: z
      .literal(true)
      .optional()
      .describe('With the scope for content: it is larger than 256 KiB, or can not be read.'),
  })
  .meta({ id: 'UserStep' });

export const ownedStepsSchema = z.object({
  steps: z.array(ownedStepSchema),
  nextCursor: z.string().optional(),
});

export const listAllConnectionsQuerySchema = z.strictObject({
  userId: ofUser,
  mcpServerId: ofServer,
  status: z.enum(CONNECTION_STATUSES).optional(),
  reason: z.enum(CONNECTION_REASONS).optional().describe('Why the user has to connect again.'),
  since: sinceSchema.optional().describe('Only connections that got their status then or later.'),
  limit: limitSchema,
  cursor: cursorSchema,
});

export const ownedConnectionsSchema = z.object({
  connections: z.array(
    connectionSchema
      .extend({ userId: z.string(), label: z.string().optional().describe('Content.') })
      .meta({ id: 'UserConnection' }),
  ),
  nextCursor: z.string().optional(),
});

const WORDS = /^[a-z]+(-[a-z]+)*$/;
const detailSchema = z.string().max(64).regex(WORDS, 'must be words joined by hyphens').optional();

export const auditQuerySchema = z.strictObject({
  userId: idSchema.optional().describe('Only what was done to this user.'),
  actorUserId: idSchema.optional().describe('Only what this user, or service, did.'),
  mcpServerId: ofServer,
  action: z.string().max(64).regex(WORDS, 'must be an action, such as connected').optional(),
  status: detailSchema.describe('Only what has this status among its details.'),
  reason: detailSchema.describe('Only what has this reason among its details, such as invalid-grant.'),
  since: sinceSchema.optional().describe('Only what was done then or later.'),
  limit: optionalLimitSchema.describe('Default: 20 for JSON, no limit for NDJSON.'),
  cursor: cursorSchema,
});

export const auditEntrySchema = z
  .object({
    id: z.string(),
    at: timestampSchema,
    action: z.string(),
    actorUserId: z.string().nullable().describe('Null: the operator on the command line.'),
    userId: z.string().optional(),
    mcpServerId: z.string().optional(),
    account: z.string().optional(),
    stepId: z.string().optional(),
    workflowId: z.string().optional(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' });

export const auditSchema = z.object({
  entries: z.array(auditEntrySchema),
  nextCursor: z.string().optional(),
});
