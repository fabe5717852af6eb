import { IDEMPOTENCY_KEY_META } from '../../contracts/idempotency-key.ts';
import type { SecretRedaction } from '../../net/secret-redaction.ts';
import type { Turns } from '../../turns/turns.ts';
import type { SessionLost } from '../http/classify-failure.ts';
import type { RpcError } from '../http/rpc-answer.ts';
import { INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND } from '../http/rpc-message.ts';
import type { Watch } from '../http/watch.ts';
import { callFailure, invalidArguments, rpcFailure, unknownTool } from '../mcp-failure.ts';
import type { CallToolOutcome, McpFailure, McpTarget, ToolCall } from '../port.ts';
import { onlyAsTask } from '../task-support.ts';
import type { SessionLists } from './list-in-session.ts';
import type { RpcRequest, SdkConnection } from './sdk-connection.ts';
import { serverMessage } from './server-message.ts';
import { loneText, readToolResult } from './tool-result.ts';

/** One call of a tool in a session. `secrets` are those that the server is sent with it. */
export interface Invocation {
  session: SdkConnection;
  target: McpTarget;
  call: ToolCall;
  secrets: SecretRedaction;
}

export interface SessionCalls {
  invoke(invocation: Invocation, watch: Watch): Promise<CallToolOutcome | SessionLost>;
}

/**
 * Calls tools, and explains failures. Servers refuse an unknown tool, or one that can only be called as a task, in many
 * ways, so the server's list decides what a failure meant.
 */
export function createSessionCalls({ lookUp }: Pick<SessionLists, 'lookUp'>, turns: Turns): SessionCalls {
  async function invoke(invocation: Invocation, watch: Watch): Promise<CallToolOutcome | SessionLost> {
    const { session, target, call, secrets } = invocation;
    if (await isKnownToNeedTask(invocation)) return onlyAsTask(call.tool);
    watch.alive();
    const answer = await session.request(toolsCall(call), target, watch);
    if (answer.kind === 'rpc-error') return explainRpcError(answer, invocation);
    if (answer.kind === 'session-lost' && answer.error !== undefined) {
      const { code, message } = answer.error;
      return {
        ...answer,
        failure: await withServerMessage(failureWithoutList(code, call), message, secrets),
      };
    }
    if (answer.kind !== 'result') return answer;
    const warnings = answer.warnings.map((write) => write(secrets));
    const read = await turns.take(readToolResult(answer.result, warnings));
    const text = read.isError ? loneText(read.result) : undefined;
    if (text === undefined) return read;
    const failure = await failureByList(invocation);
    return failure === undefined ? read : await withServerMessage(failure, text, secrets);
  }

  // Any JSON-RPC error is an answer, so the call is not lost and not repeated.
  async function explainRpcError(error: RpcError, invocation: Invocation): Promise<McpFailure> {
    return withServerMessage(await failureOf(error, invocation), error.message, invocation.secrets);
  }

  async function withServerMessage(
    failure: McpFailure,
    text: string | undefined,
    secrets: SecretRedaction,
  ): Promise<McpFailure> {
    const quoted = await turns.take(serverMessage(text, secrets));
    return quoted === undefined ? failure : { ...failure, serverMessage: quoted };
  }

  // MCP 2025-11-25, server/tools#error-handling: -32602 means an unknown tool. Older servers also mean invalid
  // arguments by it, and others answer an unknown tool, or one that needs a task, with -32601.
  async function failureOf({ code, isOfNoRequest }: RpcError, invocation: Invocation): Promise<McpFailure> {
    const mayNeedTask = !isOfNoRequest && (code === INVALID_REQUEST || code === INTERNAL_ERROR);
    if (mayNeedTask && (await isListedAsTask(invocation))) return onlyAsTask(invocation.call.tool);
    if (code !== INVALID_PARAMS && code !== METHOD_NOT_FOUND) return callFailure(code);
    // The error concerns the request as a whole, not this tool or its arguments.
    if (isOfNoRequest) return rpcFailure(code);
    const byList = await failureByList(invocation);
    return byList ?? failureWithoutList(code, invocation.call);
  }

  /** Returns the failure that the server's list explains, if any. */
  async function failureByList(invocation: Invocation): Promise<McpFailure | undefined> {
    const { call } = invocation;
    const listed = await lookUp(invocation);
    if (listed === 'missing') return unknownTool(call);
    return listed === 'only-as-task' ? onlyAsTask(call.tool) : undefined;
  }

  // A server that announces no tasks may still have a tool that needs one, and refuse it in its own way. Older
  // revisions have no tasks.
  async function isListedAsTask(invocation: Invocation): Promise<boolean> {
    return invocation.session.knowsTasks() && (await lookUp(invocation)) === 'only-as-task';
  }

  // Asked before a call only in a session whose server announces tasks, and only until the server has listed the tool
  // once. To all other servers a call is one request.
  async function isKnownToNeedTask(invocation: Invocation): Promise<boolean> {
    const { session, call } = invocation;
    const known = session.listedTools.get(call.tool);
    if (known === undefined ? !session.announcesTasks() : known === 'callable') return false;
    return (await lookUp(invocation)) === 'only-as-task';
  }

  return { invoke };
}

function toolsCall(call: ToolCall): RpcRequest {
  const _meta = { [IDEMPOTENCY_KEY_META]: call.idempotencyKey };
  return {
    method: 'tools/call',
    params: { name: call.tool, arguments: call.arguments, _meta },
    onProgress: call.onProgress,
  };
}

/** The failure of a JSON-RPC error that the server's list does not explain. */
function failureWithoutList(code: number | undefined, call: ToolCall): McpFailure {
  return code === INVALID_PARAMS ? invalidArguments(call) : callFailure(code);
}
