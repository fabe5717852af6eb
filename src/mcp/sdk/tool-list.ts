import { z } from 'zod';
import { isObject } from '../../contracts/is-object.ts';
import { present } from '../../contracts/present.ts';
import type { ToolAnnotations, ToolDescription, ToolIcon } from '../../contracts/step.ts';
import type { Turns } from '../../turns/turns.ts';
import type { SessionLost } from '../http/classify-failure.ts';
import { withoutNulls } from '../http/rpc-message.ts';
import { protocolError, tooLarge } from '../mcp-failure.ts';
import type { McpFailure, RequestFailure } from '../port.ts';
import type { ServerLimits } from '../server-limits.ts';

/** One page as the server sent it, or the reason why there is none. */
export type PageAnswer = { kind: 'result'; result: unknown; size: number } | RequestFailure | SessionLost;

/** `names` includes the tools whose description could not be read. */
export type ListedTools = { kind: 'listed'; tools: ToolDescription[]; names: string[] };

export type GatheredTools = ListedTools | RequestFailure | SessionLost;

export interface GatherOptions {
  turns: Turns;
  limits: Pick<ServerLimits, 'pages' | 'tools' | 'toolValues' | 'nesting' | 'listBytes'>;
  /** The server's limit. */
  maxResultBytes: number;
}

const listPage = z.object({
  // Serializers write an empty list as null, leave it out (Go's omitempty), or write an empty object (PHP, Lua).
  tools: z.preprocess((tools) => (isEmptyObject(tools) ? [] : (tools ?? [])), z.array(z.unknown())),
  nextCursor: z.string().optional().catch(undefined),
});
/** MCP 2025-11-25 asks for at most 128 characters. A session keeps the names. */
const namedTool = z.object({ name: z.string().min(1).max(1_000) });
const jsonObject = z.record(z.string(), z.unknown());
/** Left out if it is not valid, because an odd description must not cost the tool. */
const text = z.string().optional().catch(undefined);
const object = jsonObject.optional().catch(undefined);
const toolDescription = namedTool.extend({
  title: text,
  description: text,
  inputSchema: z.preprocess(schemaOrNone, jsonObject),
  outputSchema: object,
  annotations: object,
  execution: z.looseObject({ taskSupport: text }).optional().catch(undefined),
  icons: z.array(z.unknown()).optional().catch(undefined),
});
// MCP 2025-11-25, basic#icons: consumers must reject icons of unsafe schemes.
const icon = z.looseObject({ src: z.string().regex(/^(?:https?|data):/i) });
const hint = z.boolean().optional().catch(undefined);
const toolAnnotations = z.object({
  title: text,
  readOnlyHint: hint,
  destructiveHint: hint,
  idempotentHint: hint,
  openWorldHint: hint,
});

/**
 * Reads all pages of `tools/list`. Schemas are passed on unread, so a schema that does not compile causes no failure. A tool
 * that is not valid, nests too deeply or has too many values is left out.
 *
 * @param page reads one page, whose answer may have `maxBytes`
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/pagination
 */
export async function gatherTools(
  page: (cursor: string | undefined, maxBytes: number) => Promise<PageAnswer>,
  { turns, limits, maxResultBytes }: GatherOptions,
): Promise<GatheredTools> {
  const entries: unknown[] = [];
  const cursors = new Set<string>();
  let left = Math.min(maxResultBytes, limits.listBytes);
  let cursor: string | undefined;
  do {
    const answer = await page(cursor, left);
    if (answer.kind !== 'result') return answer;
    const parsed = listPage.safeParse(isEmptyList(answer.result) ? {} : answer.result);
    if (!parsed.success) return notAList();
    const { tools, nextCursor } = parsed.data;
    if (entries.length + tools.length > limits.tools) return tooMany(limits.tools);
    // Spreading a long list into arguments would overflow the stack.
    for (const tool of tools) entries.push(tool);
    left -= answer.size;
    cursor = nextCursor || undefined;
    if (cursor !== undefined && left <= 0) return tooLarge('all pages of tools/list together are too large');
    if (cursor !== undefined && !isNewCursor(cursors, cursor, limits.pages)) return endless(limits.pages);
  } while (cursor !== undefined);
  return turns.take(readEntries(entries, limits));
}

function* readEntries(entries: unknown[], limits: GatherOptions['limits']): Generator<void, ListedTools> {
  const tools: ToolDescription[] = [];
  const names: string[] = [];
  for (const entry of entries) {
    names.push(...readName(entry));
    const isSmall = yield* isWithin(entry, { nesting: limits.nesting, values: limits.toolValues });
    if (isSmall) tools.push(...readTool(entry));
    yield;
  }
  return { kind: 'listed', tools, names };
}

// Not recursive, because a deeply nested value would overflow the stack.
function* isWithin(value: unknown, limits: { nesting: number; values: number }): Generator<void, boolean> {
  let level = [value];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    values += level.length;
    if (depth > limits.nesting || values > limits.values) return false;
    const below = partsOf(level, limits.values);
    if (below === undefined) return false;
    level = below;
    yield;
  }
  return true;
}

/** Returns the members of all entries, or undefined if they are more than `limit`. */
function partsOf(level: unknown[], limit: number): unknown[] | undefined {
  const parts: unknown[] = [];
  for (const entry of level) {
    if (typeof entry !== 'object' || entry === null) continue;
    const own = Array.isArray(entry) ? entry : Object.values(entry);
    if (parts.length + own.length > limit) return undefined;
    // A spread would pass each as an argument and overflow the stack.
    for (const part of own) parts.push(part);
  }
  return parts;
}

function isNewCursor(cursors: Set<string>, cursor: string, pages: number): boolean {
  const isNew = !cursors.has(cursor);
  cursors.add(cursor);
  return isNew && cursors.size < pages;
}

function notAList(): McpFailure {
  return protocolError(
    'The MCP server’s answer is not a list of tools.',
    'the result of tools/list has no tools',
  );
}

function tooMany(limit: number): McpFailure {
  return tooLarge(`tools/list has more than ${limit} tools`);
}

function endless(pages: number): McpFailure {
  return protocolError(
    'The MCP server’s list of tools does not end.',
    `tools/list repeats a cursor, or has more than ${pages} pages`,
  );
}

function readName(entry: unknown): string[] {
  const parsed = namedTool.safeParse(entry);
  return parsed.success ? [parsed.data.name] : [];
}

function readTool(entry: unknown): ToolDescription[] {
  const parsed = toolDescription.safeParse(entry);
  if (!parsed.success) return [];
  const {
    name,
    title,
    description,
    inputSchema,
    outputSchema,
    annotations,
    execution,
    icons = [],
  } = parsed.data;
  const readable = icons.flatMap(readIcon);
  return [
    {
      name,
      inputSchema,
      ...present({ title, description, outputSchema }),
      ...(annotations !== undefined && { annotations: readAnnotations(annotations) }),
      ...(execution !== undefined && { execution: withoutNulls(execution) }),
      ...(readable.length > 0 && { icons: readable }),
    },
  ];
}

// The schema of a tool without arguments. PHP writes an empty object as an empty array.
function schemaOrNone(inputSchema: unknown): unknown {
  return inputSchema == null || isEmptyList(inputSchema) ? { type: 'object' } : inputSchema;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function readIcon(entry: unknown): ToolIcon[] {
  const parsed = icon.safeParse(isObject(entry) ? withoutNulls(entry) : entry);
  return parsed.success ? [parsed.data] : [];
}

function readAnnotations(annotations: Record<string, unknown>): ToolAnnotations {
  return present(toolAnnotations.parse(annotations));
}
