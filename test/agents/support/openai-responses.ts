/**
 * The wire format of OpenAI's Responses API, without streaming, as far as a scripted model needs it. It is what
 * `@openai/agents-openai` and `@ai-sdk/openai` speak by default.
 *
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
import { z } from 'zod';
import type { ModelRequest, ModelToolCall, ModelTurn } from './model-script.ts';

const toolSchema = z.object({
  type: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.unknown(),
});

const outputSchema = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: z.unknown(),
});

const requestSchema = z.object({
  model: z.string(),
  stream: z.literal(false).nullish(),
  input: z.union([z.string(), z.array(z.unknown())]),
  tools: z.array(toolSchema).nullish(),
});

/** @throws ZodError if the body is not a request that a scripted model can answer */
export function parseResponsesRequest(body: unknown): ModelRequest {
  const { model, input, tools } = requestSchema.parse(body);
  const items = typeof input === 'string' ? [] : input;
  return {
    model,
    tools: (tools ?? []).map(({ name, description, parameters }) => ({
      name,
      ...(description && { description }),
      parameters,
    })),
    outputs: items.flatMap((item) => {
      const parsed = outputSchema.safeParse(item);
      return parsed.success ? [{ callId: parsed.data.call_id, output: parsed.data.output }] : [];
    }),
    body,
  };
}

/** The answer that has the turn. `index` makes the ids that the turn does not name. */
export function responsesAnswer(model: string, turn: ModelTurn, index: number): Record<string, unknown> {
  return {
    id: `resp_${index}`,
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    model,
    output:
      'say' in turn
        ? [message(turn.say, index)]
        : turn.call.map((call, at) => functionCall(call, `${index}_${at}`)),
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    usage: {
      input_tokens: 1,
      output_tokens: 1,
      total_tokens: 2,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  };
}

function message(text: string, index: number) {
  const content = [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', id: `msg_${index}`, role: 'assistant', status: 'completed', content };
}

function functionCall({ tool, arguments: args = {}, id }: ModelToolCall, position: string) {
  return {
    type: 'function_call',
    id: `fc_${position}`,
    call_id: id ?? `call_${position}`,
    name: tool,
    arguments: typeof args === 'string' ? args : JSON.stringify(args),
    status: 'completed',
  };
}
