import { isObject } from '../../contracts/is-object.ts';
import type { ToolResult } from '../../contracts/step.ts';
import { writeJson } from '../../turns/write-json.ts';

export interface ReadToolResult {
  kind: 'completed';
  isError: boolean;
  result: ToolResult;
}

/** Members that a tool result has by the specification. */
const SPECIFIED_MEMBERS = new Set(['content', 'structuredContent', 'isError', '_meta']);

/**
 * Reads a tool's answer as the server sent it. An irregular answer gets a warning and never fails, because the tool has
 * run. An answer in another form than content is kept as text. Yields between pieces, because an answer may be large.
 *
 * @param warningsOfText warnings about the answer's text, which the parsed answer no longer shows
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
 */
export function* readToolResult(
  answer: unknown,
  warningsOfText: readonly string[] = [],
): Generator<void, ReadToolResult> {
  const members = isObject(answer) ? answer : {};
  const { structuredContent, isError } = members;
  const {
    content,
    warning,
    keptAsText = false,
  } = yield* isObject(answer) ? readContent(answer) : readOther(answer);
  const warnings = [...warningsOfText, ...(warning === undefined ? [] : [warning])];
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
  /** The content is the structured content as text, because that was not an object and there was no other content. */
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
  const hasOthers = Object.keys(members).some(
    (name) => !SPECIFIED_MEMBERS.has(name) && members[name] != null,
  );
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
 * Returns the text of an `isError` result if it is the only content. It may mean that the tool is unknown: the SDK's own
 * server (1.2x to 1.32) and others answer with such a result instead of the JSON-RPC error that MCP specifies.
 */
export function loneText({ content, structuredContent }: ToolResult): string | undefined {
  const [only, ...others] = content;
  if (structuredContent !== undefined || others.length > 0) return undefined;
  return isObject(only) && only.type === 'text' ? String(only.text ?? '') : undefined;
}
