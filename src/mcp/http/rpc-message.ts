/** JSON-RPC 2.0 §5.1. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;

export type RpcId = string | number;

export interface OutgoingMessage {
  /** Absent for answers to the server's own requests. */
  method?: string;
  id?: RpcId;
}

/** Whether a message of ours expects an answer: it has both a method and an id. JSON-RPC 2.0 §4. */
export function isRequest(message: OutgoingMessage): message is { method: string; id: RpcId } {
  return message.method !== undefined && message.id !== undefined;
}

/**
 * Leaves out the members that are null or undefined. Serializers of several languages write null for an optional member
 * that is not set, where the schemas of MCP and of the SDK want it absent.
 */
export function withoutNulls(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));
}
