import { protocolError } from '../http/classify-failure.ts';
import type { McpFailure, ToolCall } from '../port.ts';

/** JSON-RPC 2.0 §5.1. */
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INVALID_REQUEST = -32600;
export const INTERNAL_ERROR = -32603;

/**
 * Parse error, invalid request, method not found, invalid params: the call was not understood. JSON-RPC's
 * internal error is not among them: SDKs answer so for an exception of a tool, others with a code of their own.
 *
 * @see https://github.com/modelcontextprotocol/typescript-sdk `Protocol._onrequest`: -32603 for what a handler throws
 * @see https://github.com/modelcontextprotocol/python-sdk `lowlevel.Server._handle_request`: code 0
 * @see https://github.com/coder/coder/pull/29051 a server that answers a tool's failure with -32603
 */
const CALL_NOT_UNDERSTOOD = new Set<number | undefined>([
  -32700,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  INVALID_PARAMS,
]);

/** A JSON-RPC error that says nothing of the tool or its arguments by its code. */
export function rpcFailure(code: number | undefined): McpFailure {
  return protocolError(
    `The MCP server answered with ${named(code)}.`,
    `${named(code)}: the call was answered, not lost`,
  );
}

/** A JSON-RPC error in answer to a call: of the protocol, or a tool's failure. */
export function callFailure(code: number | undefined): McpFailure {
  if (CALL_NOT_UNDERSTOOD.has(code)) return rpcFailure(code);
  return {
    kind: 'failed',
    code: 'tool-error',
    message: `The tool failed: the MCP server answered with ${named(code)}.`,
    operatorMessage: `${named(code)}: the call was answered, not lost`,
  };
}

export function unknownTool({ tool }: ToolCall): McpFailure {
  return {
    kind: 'failed',
    code: 'unknown-tool',
    message: `The MCP server has no tool “${tool}”.`,
    operatorMessage: 'the call was refused, and tools/list lacks the tool',
  };
}

export function invalidArguments({ tool }: ToolCall): McpFailure {
  return {
    kind: 'failed',
    code: 'invalid-arguments',
    message: `The MCP server refused the arguments of the tool “${tool}”.`,
    operatorMessage: `JSON-RPC error ${INVALID_PARAMS}, and tools/list does not lack the tool`,
  };
}

function named(code: number | undefined): string {
  return code === undefined ? 'a JSON-RPC error without a code' : `JSON-RPC error ${code}`;
}
