/**
 * Checks the inputs of the operations as HTTP checks a body, with two differences: null counts as absent, because
 * other languages send it for an unset field, and numbers are checked after JavaScript has read them.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { exceedsDepth, MAX_NESTING } from '../contracts/json-size.ts';
import { MAX_LISTED_SERVERS, type McpToolsInput } from '../contracts/mcp-tools.ts';
import { unsendableNumbers } from '../contracts/number-problems.ts';
import type { McpStepInput } from '../contracts/step.ts';
import { isStepId } from '../contracts/step-workflow-id.ts';
import { fieldErrors } from '../schemas/field-errors.ts';
import { fieldMessage } from '../schemas/field-message.ts';
import { accountSchema, idSchema } from '../schemas/id.ts';
import { stepRequestSchema, timeoutSchema } from '../schemas/step.ts';
import { invalidInput, invalidRequest, numbersNotExact } from './handler-errors.ts';

const stepInputSchema = stepRequestSchema.extend({ userId: idSchema });

const toolsInputSchema = z.strictObject({
  userId: idSchema,
  servers: z
    .array(z.strictObject({ mcpServerId: idSchema, account: accountSchema }))
    .min(1)
    .max(MAX_LISTED_SERVERS),
  waitUntilConnected: z.boolean().optional(),
  timeouts: z.strictObject({ reauth: timeoutSchema('reauth') }).optional(),
});

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
  const parsed = schema.safeParse(withoutNulls(input), { error: fieldMessage });
  if (!parsed.success) throw invalidInput(fieldErrors(parsed.error.issues));
  return parsed.data;
}

// Not in the tool's arguments, where null has a meaning of its own.
function withoutNulls({ arguments: ofTool, ...input }: Record<string, unknown>): Record<string, unknown> {
  return membersOf({ ...membersOf(input, membersDeep), arguments: ofTool });
}

function membersDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(membersDeep);
  return isObject(value) ? membersOf(value, membersDeep) : value;
}

function membersOf(
  value: Record<string, unknown>,
  convert: (member: unknown) => unknown = (member) => member,
): Record<string, unknown> {
  const present = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(present.map(([name, member]) => [name, convert(member)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
