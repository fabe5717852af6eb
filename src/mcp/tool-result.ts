import { z } from 'zod';
import type { ToolResult } from '../contracts/step.ts';
import { protocolError } from './classify-failure.ts';
import type { McpFailure } from './mcp-port.ts';

export type ReadToolResult = { kind: 'completed'; isError: boolean; result: ToolResult } | McpFailure;

/** As little as can be asked of a tool that has run: content of any type and version passes untouched. */
const lenientResult = z.object({
  content: z.array(z.unknown()).nullish(),
  structuredContent: z.unknown().optional(),
  isError: z.unknown().optional(),
});
const jsonObject = z.record(z.string(), z.unknown());

/**
 * A tool's answer as the server gave it. What is odd about it is a warning where the rest can be used: the
 * tool has run, and failing would not undo that.
 *
 * @param foundInText warnings that the value itself can't tell
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
 */
export function readToolResult(result: unknown, foundInText: readonly string[] = []): ReadToolResult {
  const parsed = lenientResult.safeParse(result);
  if (!parsed.success)
    return protocolError(
      'The MCP server’s answer is not a tool result.',
      'the result of tools/call is no object with content',
    );
  const { content, structuredContent, isError } = parsed.data;
  const structured = jsonObject.safeParse(structuredContent);
  const warnings = [...foundInText];
  if (structuredContent != null && !structured.success) {
    warnings.push('The structured content was not a JSON object and is left out.');
  }
  if (content == null && !structured.success) warnings.push('The tool answered without content.');
  if (isError != null && typeof isError !== 'boolean') {
    warnings.push('The server’s isError was not true or false and is ignored.');
  }
  return {
    kind: 'completed',
    isError: isError === true,
    result: {
      content: content ?? [],
      ...(structured.success && { structuredContent: structured.data }),
      ...(warnings.length > 0 && { warnings }),
    },
  };
}

/**
 * Whether an `isError` result may be a server's way of saying that it has no such tool. The SDK's own server
 * (all of 1.2x to 1.32) and others answer an unknown tool with one text and nothing else, where the
 * specification asks for a JSON-RPC error.
 */
export function mayMeanUnknownTool({ content, structuredContent }: ToolResult): boolean {
  const [only, ...others] = content;
  if (structuredContent !== undefined || others.length > 0) return false;
  return typeof only === 'object' && only !== null && 'type' in only && only.type === 'text';
}
