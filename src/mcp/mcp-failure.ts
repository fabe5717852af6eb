/** The outcomes `failed` of the port, one function each. */
import { INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR } from './http/rpc-message.ts';
import type { McpFailure, ToolCall } from './port.ts';

/**
 * The codes that mean that the call was not understood. JSON-RPC's internal error is not among them: SDKs answer with
 * it when a tool throws, others with a code of their own.
 *
 * @see https://github.com/modelcontextprotocol/typescript-sdk `Protocol._onrequest`: -32603 for what a handler throws
 * @see https://github.com/modelcontextprotocol/python-sdk `lowlevel.Server._handle_request`: code 0
 * @see https://github.com/coder/coder/pull/29051 a server that answers a tool's failure with -32603
 */
const CALL_NOT_UNDERSTOOD = new Set<number | undefined>([
  PARSE_ERROR,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  INVALID_PARAMS,
]);

export function protocolError(message: string, operatorMessage: string): McpFailure {
  return { kind: 'failed', code: 'protocol-error', message, operatorMessage };
}

export function tooLarge(operatorMessage: string): McpFailure {
  const message = 'The MCP server’s answer is too large.';
  return { kind: 'failed', code: 'result-too-large', message, operatorMessage };
}

/** A JSON-RPC error whose code says nothing about the tool or its arguments. */
export function rpcFailure(code: number | undefined): McpFailure {
  return protocolError(
    `The MCP server answered with ${named(code)}.`,
    `${named(code)}: the call was answered, not lost`,
  );
}

/** A JSON-RPC error in answer to a call: an error of the protocol, or a failure of the tool. */
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
