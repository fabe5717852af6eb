/**
 * The package export `latchkey/ai-sdk`: tools for an agent of the AI SDK that runs in a workflow with
 * `@temporalio/ai-sdk`. It runs inside that workflow, so it imports workflow code, and of the AI SDK only types.
 *
 * @see https://ai-sdk.dev/docs/reference/ai-sdk-core/dynamic-tool
 */
import { CancellationScope } from '@temporalio/workflow';
import type { Schema, Tool, ToolExecutionOptions, ToolSet } from 'ai';
import { type ModelPart, text } from './agents/content-parts.ts';
import { type ListedTool, type ListedToolsOptions, listTools } from './agents/listed-tools.ts';
import type { ModelAnswer } from './agents/model-answer.ts';

export type { ModelPart } from './agents/content-parts.ts';
export type { AgentServer, ListedToolsOptions as LatchkeyToolsOptions } from './agents/listed-tools.ts';
export type { ModelAnswer } from './agents/model-answer.ts';
export type { ToolModes } from './agents/options.ts';
export { TOOLS_UNAVAILABLE, type UnavailableServer } from './agents/tool-lister.ts';

/**
 * Lists the tools of a user's servers and returns them as a `ToolSet`. Each call that the model makes is a step of that
 * user. A tool is named `server_tool`, or `server_account_tool` for another account than `default`. Its output is a
 * `ModelAnswer`: whatever becomes of the step, the model is told of it and the agent goes on.
 *
 * @throws ApplicationFailure of type `McpToolsUnavailable` if the tools of a server can't be listed, unless there is
 *   `onUnavailable`
 * @throws ChildWorkflowFailure if the agent was cancelled (check with `isCancellation`)
 */
export async function latchkeyTools(options: ListedToolsOptions): Promise<ToolSet> {
  const tools = await listTools(options);
  return Object.fromEntries(tools.map((tool) => [tool.name, dynamicTool(tool)]));
}

function dynamicTool({ address, tool, call }: ListedTool): ToolSet[string] {
  const { title, description = title, inputSchema } = tool;
  return {
    type: 'dynamic',
    ...(description !== undefined && { description }),
    inputSchema: schemaOf(inputSchema),
    // Copied to the parts of calls and results, for those who show them. The model does not see it.
    metadata: { ...address },
    execute: (input: unknown, { abortSignal }: ToolExecutionOptions<unknown>) =>
      untilAborted(abortSignal, () => callWith(input, call)),
    toModelOutput: ({ output }: { output: ModelAnswer }) => modelOutput(output),
  };
}

// What `jsonSchema` of `ai` returns; calling that would bring all of `ai` into this module. Without `validate`, the MCP
// server judges the arguments, and the model is told what it says.
function schemaOf(inputSchema: Record<string, unknown>): Schema {
  const schema = {
    [Symbol.for('vercel.ai.schema')]: true,
    _type: undefined,
    validate: undefined,
    // OpenAI refuses an object's schema without `properties`.
    jsonSchema: { properties: {}, ...inputSchema, type: 'object' },
  };
  // The cast is needed because `ai` does not export the type of its symbol.
  return schema as unknown as Schema;
}

async function callWith(input: unknown, call: ListedTool['call']): Promise<ModelAnswer> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const words = 'The tool did not run. Its arguments have to be a JSON object.';
    return { outcome: 'error', parts: [text(words)] };
  }
  // The cast is safe: JSON that is an object and no array has named members.
  return call(input as Record<string, unknown>);
}

// The AI SDK aborts a call for its own time limits and for the caller's signal. The step is cancelled then.
async function untilAborted<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  if (signal === undefined) return run();
  const scope = new CancellationScope();
  const cancel = () => scope.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    return await scope.run(run);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

type ModelOutput = Awaited<ReturnType<NonNullable<Tool['toModelOutput']>>>;
type ContentPart = Extract<ModelOutput, { type: 'content' }>['value'][number];

/**
 * Returns what the provider is sent of an answer.
 *
 * @internal
 */
export function modelOutput({ outcome, parts }: ModelAnswer): ModelOutput {
  switch (outcome) {
    case 'success':
    case 'paused':
      return outputOf(parts);
    case 'error':
      return { type: 'error-text', value: wordsOf(parts) };
    case 'rejected':
      return { type: 'execution-denied', reason: wordsOf(parts) };
    default:
      return outcome satisfies never;
  }
}

// Providers that take no list of parts take a lone text or a lone object.
function outputOf(parts: readonly ModelPart[]): ModelOutput {
  if (parts.some(isFile)) return { type: 'content', value: parts.map(contentPart) };
  const [first, ...others] = parts;
  return first?.kind === 'json' && others.length === 0
    ? // The cast is safe: it came as JSON.
      { type: 'json', value: first.value as Extract<ModelOutput, { type: 'json' }>['value'] }
    : { type: 'text', value: wordsOf(parts) };
}

/** What the providers that take files in a tool's result all take. Another file would make them refuse the prompt. */
const FILE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

function isFile(part: ModelPart): boolean {
  return part.kind === 'media' && FILE_TYPES.has(part.mimeType.toLowerCase());
}

function contentPart(part: ModelPart): ContentPart {
  if (part.kind !== 'media' || !isFile(part)) return { type: 'text', text: wordsOf([part]) };
  return { type: 'file', mediaType: part.mimeType.toLowerCase(), data: { type: 'data', data: part.data } };
}

function wordsOf(parts: readonly ModelPart[]): string {
  return parts.map(partWords).join('\n');
}

function partWords(part: ModelPart): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'json':
      return JSON.stringify(part.value);
    case 'media':
      return `[A file of type ${part.mimeType}, which can't be shown here.]`;
    default:
      return part satisfies never;
  }
}
