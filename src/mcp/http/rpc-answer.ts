import type { AnswerSource } from './answer-source.ts';
import { warnOfRoundedNumbers } from './rounded-numbers.ts';
import { isObject, type RpcId, withoutNulls } from './rpc-message.ts';

/** A JSON-RPC response, read leniently: a tool may have run, so an answer in an odd form is still an answer. */
export type RpcAnswer =
  /** `warnings`: what the text shows and the parsed value does not; see `warnOfRoundedNumbers`. */
  | {
      kind: 'result';
      result: unknown;
      warnings: string[];
      /** Characters of the body or event that it came in. */
      size: number;
    }
  | {
      kind: 'rpc-error';
      /** Undefined where the server gives no number. */
      code: number | undefined;
      /** The server's own words. */
      message: string | undefined;
      data: unknown;
      /** An error without an id means that the server could not read the request. JSON-RPC 2.0 §5. */
      isOfNoRequest: boolean;
    };

export type RpcError = Extract<RpcAnswer, { kind: 'rpc-error' }>;

/** One or more messages, as text and parsed. */
export interface JsonText {
  text: string;
  parsed: unknown;
  /** It is a body of JSON, and not one event of a stream. */
  isBody?: boolean;
}

/**
 * Finds the response to the request with that id in one body or event. A server may return the id as a string. A
 * response without an id can only belong to the one request that the body answers. The only message of a body may lack
 * the version as well. In steps; see `Turns`.
 */
export function* findAnswer(
  { text, parsed, isBody = false }: JsonText,
  {
    requestId,
    ownIdOnly = false,
    tellsRounding,
  }: Pick<AnswerSource, 'requestId' | 'ownIdOnly' | 'tellsRounding'>,
): Generator<void, RpcAnswer | undefined> {
  const { own, withoutId } = yield* findResponses(parsed, requestId);
  const bare = isBody && isBareResponse(parsed) ? parsed : undefined;
  const answer = own ?? (ownIdOnly ? undefined : (withoutId ?? bare));
  if (answer === undefined) return undefined;
  if (saysError(answer.error, answer.result)) return readError(answer.error, answer.id == null);
  const warnings = tellsRounding ? yield* warnOfRoundedNumbers(text, answer.result) : [];
  return { kind: 'result', result: answer.result, warnings, size: text.length };
}

type Message = Record<string, unknown>;

/** The first response to the request, and the first that names none. */
function* findResponses(
  parsed: unknown,
  requestId: RpcId,
): Generator<void, { own?: Message; withoutId?: Message }> {
  let withoutId: Message | undefined;
  for (const message of messagesIn(parsed)) {
    yield;
    if (!isResponse(message)) continue;
    if (message.id != null && String(message.id) === String(requestId)) return { own: message };
    if (isWithoutId(message)) withoutId ??= message;
  }
  return withoutId === undefined ? {} : { withoutId };
}

/** The messages of one body or event: one, or a batch, which older revisions allow. */
export function messagesIn(parsed: unknown): readonly unknown[] {
  return Array.isArray(parsed) ? parsed : [parsed];
}

function isWithoutId({ id, jsonrpc }: Record<string, unknown>): boolean {
  return id == null && typeof jsonrpc === 'string';
}

// A message without the envelope counts as JSON-RPC only where its result or error has the form of JSON-RPC.
function isBareResponse(message: unknown): message is Record<string, unknown> {
  if (!isResponse(message) || message.id != null || message.jsonrpc != null) return false;
  if (message.error == null) return isObject(message.result);
  return isObject(message.error) && Number.isSafeInteger(Number(message.error.code ?? Number.NaN));
}

/** Whether a message answers a request, ours or another one. */
export function isResponse(message: unknown): message is Record<string, unknown> {
  return isObject(message) && !message.method && ('result' in message || 'error' in message);
}

// Some serializers write both members: the unused one is null, or an error with zero values.
function saysError(error: unknown, result: unknown): boolean {
  if (error == null || error === false) return false;
  if (result == null || !isObject(error)) return true;
  return Boolean(error.code) || Boolean(error.message);
}

function readError(error: unknown, isOfNoRequest: boolean): RpcAnswer {
  const { code, message = error, data } = isObject(error) ? withoutNulls(error) : {};
  const number = code === undefined ? Number.NaN : Number(code);
  return {
    kind: 'rpc-error',
    code: Number.isSafeInteger(number) ? number : undefined,
    message: typeof message === 'string' ? message : undefined,
    data,
    isOfNoRequest,
  };
}

/**
 * Returns the response in the form that the SDK accepts. The SDK checks what it is given, so it is given only what it
 * needs: a result other than that of `initialize` is passed on in `RpcExchange.answer`.
 */
export function answerForSdk(method: string, id: RpcId, answer: RpcAnswer): Record<string, unknown> {
  if (answer.kind === 'result') {
    const result = method === 'initialize' ? initializeResult(answer.result) : {};
    return { jsonrpc: '2.0', id, result };
  }
  const { code = 0, message = '', data } = answer;
  // Only `initialize` uses the data, which may be large. Nothing uses the message.
  return {
    jsonrpc: '2.0',
    id,
    error: { code, message: text(message), ...(method === 'initialize' && { data }) },
  };
}

// Instructions, titles and icons are not used, so they are left out and can't fail the SDK's check.
function initializeResult(result: unknown): unknown {
  if (!isObject(result)) return result;
  const { protocolVersion, capabilities, serverInfo } = result;
  const { tools, tasks } = members(capabilities);
  const announcesTasks = isAnnounced(members(members(members(tasks).requests).tools).call);
  return {
    protocolVersion,
    capabilities: {
      ...(isAnnounced(tools) && { tools: {} }),
      ...(announcesTasks && { tasks: { requests: { tools: { call: {} } } } }),
    },
    serverInfo: { name: text(members(serverInfo).name), version: text(members(serverInfo).version) },
  };
}

function members(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

// PHP writes an empty object as an empty array.
function isAnnounced(capability: unknown): boolean {
  return capability != null && capability !== false;
}

/** Characters of a text that a session keeps until it ends. */
const MAX_TEXT = 200;

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : 'unknown';
}
