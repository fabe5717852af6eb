import type { RequestToken } from './request-token.ts';
import type { RpcAnswer } from './rpc-answer.ts';

/**
 * One JSON-RPC request to an MCP server and all that is sent for its sake: the request itself, answers to
 * what the server asks meanwhile, its cancellation. Carried by AsyncLocalStorage through the SDK, so that
 * each call on a shared connection has its own token, limits and record of what happened.
 */
export interface RpcExchange {
  readonly token: RequestToken;
  /** The revision of MCP that `initialize` asks for. Default: the SDK's latest. */
  readonly protocolVersion?: string;
  /** Bytes of the answer, at most. */
  readonly maxAnswerBytes: number;
  /** Milliseconds until the head of the answer, at most. */
  readonly answerTimeoutMs: number;
  /** Aborted when the request is over without an answer: nobody waits for it any more. */
  readonly hangUp: AbortController;
  /** A byte of the request was handed to a socket. Never becomes true after `hangUp`. */
  sent: boolean;
  /** A JSON-RPC response to the request has arrived. */
  answered: boolean;
  /** That response as the server gave it: the SDK is shown only what it can't object to. */
  answer?: RpcAnswer;
  /** A sign of life: the answer is coming in, or is being read. */
  readonly alive?: (bytes?: number) => void;
  /** The request was not sent since its token had become due. */
  tokenWasDue: boolean;
  /** Called when the server has been told of the cancellation, or could not be. */
  onCancellationTold?: () => void;
}

export function createRpcExchange(
  options: Pick<RpcExchange, 'token' | 'protocolVersion' | 'maxAnswerBytes' | 'answerTimeoutMs' | 'alive'>,
): RpcExchange {
  return { ...options, hangUp: new AbortController(), sent: false, answered: false, tokenWasDue: false };
}

// RFC 9110 §5.5: what a header field can carry. Deposited tokens are anybody's strings.
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Whether a token can travel in a header at all; one that cannot, no server has ever accepted. */
export function canTravel(bearerToken: string | undefined): boolean {
  return bearerToken === undefined || VISIBLE_ASCII.test(bearerToken);
}
