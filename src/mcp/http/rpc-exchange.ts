import type { RequestToken } from './request-token.ts';
import type { RpcAnswer } from './rpc-answer.ts';

/**
 * One JSON-RPC request to an MCP server and everything that is sent because of it: the request itself, answers to the server's
 * own requests meanwhile, its cancellation. AsyncLocalStorage carries it through the SDK, so that each call on a shared
 * connection has its own token, its own limits and its own record of what happened.
 */
export interface RpcExchange {
  readonly token: RequestToken;
  /** The revision of MCP that `initialize` asks for. Default: the SDK's latest. */
  readonly protocolVersion?: string;
  /** The most bytes that the answer may have. */
  readonly maxAnswerBytes: number;
  /** The most milliseconds until the head of the answer. */
  readonly answerTimeoutMs: number;
  /** Aborted when the request is over without an answer. */
  readonly hangUp: AbortController;
  /** A byte of the request was handed to a socket. Never becomes true after `hangUp`. */
  sent: boolean;
  /** A JSON-RPC response to the request has arrived. */
  answered: boolean;
  /** That response as the server sent it. The SDK is only given a form of it that passes its checks. */
  answer?: RpcAnswer;
  /** Reports a sign of life: the answer is arriving, or is being read. */
  readonly alive?: () => void;
  /** Reports by how many bytes the part of the answer that is held in memory has changed. */
  readonly held?: (change: number) => void;
  /** The request was not sent because its token had become due. */
  tokenWasDue: boolean;
  /** Called when the cancellation was sent, or could not be sent. */
  onCancellationSent?: () => void;
}

export function createRpcExchange(
  options: Pick<
    RpcExchange,
    'token' | 'protocolVersion' | 'maxAnswerBytes' | 'answerTimeoutMs' | 'alive' | 'held'
  >,
): RpcExchange {
  return { ...options, hangUp: new AbortController(), sent: false, answered: false, tokenWasDue: false };
}
