/**
 * Checks the inputs of the operations as HTTP checks a body, with two differences: null of a known field counts as
 * absent, because other languages send it for an unset field, and numbers are checked after JavaScript has read them.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accountOf } from '../contracts/accounts.ts';
import { isObject } from '../contracts/is-object.ts';
import { exceedsDepth, MAX_NESTING } from '../contracts/json-size.ts';
import { LIST_DETAILS, MAX_LISTED_SERVERS, type McpToolsInput } from '../contracts/mcp-tools.ts';
import { unsendableNumbers } from '../contracts/number-problems.ts';
import type { McpStepInput } from '../contracts/step.ts';
import { isStepId } from '../contracts/step-workflow-id.ts';
import { fieldErrors } from '../schemas/field-errors.ts';
import { fieldMessage } from '../schemas/field-message.ts';
import { accountSchema, idSchema, stepIdSchema } from '../schemas/id.ts';
import { stepRequestSchema, timeoutSchema } from '../schemas/step.ts';
import { invalidInput, invalidRequest, numbersNotExact } from './handler-errors.ts';

const stepInputSchema = stepRequestSchema.extend({ userId: idSchema });

const toolsInputSchema = z.strictObject({
  userId: idSchema,
  servers: z
    .array(z.strictObject({ mcpServerId: idSchema, account: accountSchema }))
    .min(1)
    .max(MAX_LISTED_SERVERS)
    .superRefine((servers, context) => {
      for (const index of repeated(servers)) {
        context.addIssue({ code: 'custom', path: [index], message: 'is named twice' });
      }
    }),
  waitUntilConnected: z.boolean().optional(),
  timeouts: z.strictObject({ reauth: timeoutSchema('reauth') }).optional(),
  detail: z.enum(LIST_DETAILS).optional(),
  listId: stepIdSchema.optional(),
});

function repeated(servers: readonly { mcpServerId: string; account?: string | undefined }[]): number[] {
  const names = servers.map((server) => JSON.stringify([server.mcpServerId, accountOf(server)]));
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [index] : []));
}

/** @throws HandlerError `BAD_REQUEST` */
export function parseStepInput(input: unknown): McpStepInput {
  // The cast drops `| undefined` from optional fields, because JSON has no such value.
  return parse(stepInputSchema, input) as McpStepInput;
}

/** @throws HandlerError `BAD_REQUEST` */
export function parseToolsInput(input: unknown): McpToolsInput {
  // The cast is as above.
  return parse(toolsInputSchema, input) as McpToolsInput;
}

/** Makes an id of a Nexus request's, which is the same when the request is repeated. */
export function idOfRequest(requestId: string): string {
  return isStepId(requestId) ? requestId : createHash('sha256').update(requestId).digest('base64url');
}

function parse(schema: z.ZodType, input: unknown): unknown {
  if (exceedsDepth(input)) throw invalidRequest(`The input nests deeper than ${MAX_NESTING} levels.`);
  if (!isObject(input)) throw invalidInput([{ path: '', message: 'must be an object' }]);
  const numbers = unsendableNumbers(input);
  if (numbers.length > 0) throw numbersNotExact(numbers);
  const parsed = schema.safeParse(withoutNulls(schema, input), { error: fieldMessage });
  if (!parsed.success) throw invalidInput(fieldErrors(parsed.error.issues));
  return parsed.data;
}

/** Drops nulls of fields that the schema knows, at every level. Not in a record: a tool's arguments are one. */
function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return withoutNulls(schema.unwrap(), value);
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((entry) => withoutNulls(schema.element, entry));
  }
  return schema instanceof z.ZodObject && isObject(value) ? membersOf(schema.shape, value) : value;
}

// An unknown field stays, also if it is null: a misspelled `timeouts` must not be lost.
function membersOf(shape: z.core.$ZodLooseShape, value: Record<string, unknown>): Record<string, unknown> {
  const members = Object.entries(value).flatMap(([name, member]) => {
    const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (known === undefined) return [[name, member]];
    return member === null ? [] : [[name, withoutNulls(known, member)]];
  });
  return Object.fromEntries(members);
}
