import type { AnswerSource } from './answer-source.ts';
import { warnOfRoundedNumbers } from './rounded-numbers.ts';
import { isObject, type RpcId, withoutNulls } from './rpc-message.ts';

/** A JSON-RPC response, read for what it says: its form is the server's, and a tool may have run for it. */
export type RpcAnswer =
  /** `warnings`: what of the text the value can't tell; see `warnOfRoundedNumbers`. */
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
      /** Without an id the server says that it could not make out the request. JSON-RPC 2.0 §5. */
      isOfNoRequest: boolean;
    };

export type RpcError = Extract<RpcAnswer, { kind: 'rpc-error' }>;

/** One or more messages, as they came and as they were read. */
export interface JsonText {
  text: string;
  parsed: unknown;
  /** It is a body of JSON, and not one event of a stream. */
  isBody?: boolean;
}

/**
 * The response to the request with that id in one body or event. An id may come back as a string. A response
 * without an id, in a body that answers one request, can only be meant for that request; the only message of a body
 * may lack the version too. In steps; see `Turns`.
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

// The envelope alone tells JSON-RPC from another protocol's answer; without one, its result or error has to.
function isBareResponse(message: unknown): message is Record<string, unknown> {
  if (!isResponse(message) || message.id != null || message.jsonrpc != null) return false;
  if (message.error == null) return isObject(message.result);
  return isObject(message.error) && Number.isSafeInteger(Number(message.error.code ?? Number.NaN));
}

/** Whether a message answers a request; perhaps another one than ours. */
export function isResponse(message: unknown): message is Record<string, unknown> {
  return isObject(message) && !message.method && ('result' in message || 'error' in message);
}

// Some serializers write both members: one is null then, or an error with its zero values.
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
 * The same response in the form that the SDK takes. It checks what it is given, so what it need not know is
 * left out: the result of anything but `initialize` goes another way (see `RpcExchange.answer`).
 */
export function answerForSdk(method: string, id: RpcId, answer: RpcAnswer): Record<string, unknown> {
  if (answer.kind === 'result') {
    const result = method === 'initialize' ? initializeResult(answer.result) : {};
    return { jsonrpc: '2.0', id, result };
  }
  const { code = 0, message = '', data } = answer;
  // Nothing else looks at the data, which may be large, and nothing at all at the message.
  return {
    jsonrpc: '2.0',
    id,
    error: { code, message: text(message), ...(method === 'initialize' && { data }) },
  };
}

// What is not used here can't be wrong: instructions, titles and icons are left out.
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

/** Characters of what a session keeps for as long as it lives. */
const MAX_TEXT = 200;

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : 'unknown';
}
