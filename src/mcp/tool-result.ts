import type { ToolResult } from '../contracts/step.ts';
import { writeJson } from '../turns/write-json.ts';
import { isObject } from './rpc-message.ts';

export interface ReadToolResult {
  kind: 'completed';
  isError: boolean;
  result: ToolResult;
}

/** Members of a tool result that say nothing of what the tool answered. */
const BESIDE_CONTENT = new Set(['content', 'structuredContent', 'isError', '_meta']);

/**
 * A tool's answer as the server gave it. What is odd about it is a warning: the tool has run, and failing would
 * not undo that. What came in another form than content is kept as text. In steps.
 *
 * @param foundInText warnings that the value itself can't tell
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
 */
export function* readToolResult(
  answer: unknown,
  foundInText: readonly string[] = [],
): Generator<void, ReadToolResult> {
  const members = isObject(answer) ? answer : {};
  const { structuredContent, isError } = members;
  const {
    content,
    warning,
    keptAsText = false,
  } = yield* isObject(answer) ? readContent(answer) : readOther(answer);
  const warnings = [...foundInText, ...(warning === undefined ? [] : [warning])];
  if (structuredContent != null && !isObject(structuredContent)) {
    const fate = keptAsText ? 'kept as text' : 'left out';
    warnings.push(`The structured content was not a JSON object and is ${fate}.`);
  }
  if (isError != null && typeof isError !== 'boolean') {
    warnings.push('The server’s isError was not true or false and is ignored.');
  }
  return {
    kind: 'completed',
    isError: isError === true,
    result: {
      content,
      ...(isObject(structuredContent) && { structuredContent }),
      ...(warnings.length > 0 && { warnings }),
    },
  };
}

interface Content {
  content: unknown[];
  warning?: string;
  /** It holds the structured content, which is no object and all that there is. */
  keptAsText?: boolean;
}

function* readContent(members: Record<string, unknown>): Generator<void, Content> {
  const { content, structuredContent } = members;
  const isBareValue = structuredContent != null && !isObject(structuredContent);
  if (Array.isArray(content) && (content.length > 0 || !isBareValue)) return { content };
  if (isObject(content)) return { content: [content], warning: 'The tool’s content was not a list.' };
  if (content != null && !Array.isArray(content))
    return { content: [yield* asText(content)], warning: 'The tool’s content was not a list.' };
  if (isObject(structuredContent)) return { content: [] };
  const hasOthers = Object.keys(members).some((name) => !BESIDE_CONTENT.has(name) && members[name] != null);
  if (hasOthers) return yield* readOther(members);
  return isBareValue
    ? { content: [yield* asText(structuredContent)], keptAsText: true }
    : { content: [], warning: 'The tool answered without content.' };
}

function* readOther(answer: unknown): Generator<void, Content> {
  if (answer == null) return { content: [], warning: 'The tool answered without content.' };
  const warning = 'The tool’s answer was not a tool result.';
  return { content: Array.isArray(answer) ? answer : [yield* asText(answer)], warning };
}

function* asText(value: unknown): Generator<void, { type: 'text'; text: string }> {
  return { type: 'text', text: typeof value === 'string' ? value : yield* jsonOf(value) };
}

function* jsonOf(value: unknown): Generator<void, string> {
  const json = yield* writeJson(value);
  return json.toString();
}

/**
 * The text of an `isError` result that has nothing else: it may be a server's way of saying that it has no such
 * tool. The SDK's own server (all of 1.2x to 1.32) and others answer an unknown tool so, where the
 * specification asks for a JSON-RPC error.
 */
export function loneText({ content, structuredContent }: ToolResult): string | undefined {
  const [only, ...others] = content;
  if (structuredContent !== undefined || others.length > 0) return undefined;
  return isObject(only) && only.type === 'text' ? String(only.text ?? '') : undefined;
}
