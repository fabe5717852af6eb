/** What a scripted model answers to one request. */
export type ModelTurn = { call: readonly ModelToolCall[] } | { say: string };

export interface ModelToolCall {
  tool: string;
  /** A text is sent as it is, such as arguments that are not JSON. */
  arguments?: Record<string, unknown> | string;
  /** Default: an id that no other call of the script has. */
  id?: string;
}

/** One request to `POST /v1/responses`, as far as tests look at it. */
export interface ModelRequest {
  model: string;
  /** The tools that the model may call, in the order of the request. */
  tools: { name: string; description?: string; parameters?: unknown }[];
  /** What its tool calls brought, oldest first: a text, or content parts. */
  outputs: { callId: string; output: unknown }[];
  /** The whole body. */
  body: unknown;
}

/**
 * Returns the index of the turn that answers a request. A turn has passed when the request holds an output for each of
 * its calls. So a repeated request, such as one of a retried activity, gets the same answer.
 */
export function turnOf(turns: readonly ModelTurn[], request: ModelRequest): number {
  let outputs = request.outputs.length;
  return turns.findIndex((turn) => {
    if ('say' in turn || outputs < turn.call.length) return true;
    outputs -= turn.call.length;
    return false;
  });
}
