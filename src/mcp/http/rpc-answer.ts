import { isObject } from '../../contracts/is-object.ts';
import type { AnswerSource } from './answer-source.ts';
import { type RoundingWarning, warnOfRoundedNumbers } from './rounded-numbers.ts';
import { type RpcId, withoutNulls } from './rpc-message.ts';

/** A JSON-RPC response, read leniently: a tool may have run, so an answer in an odd form is still an answer. */
export type RpcAnswer =
  | {
      kind: 'result';
      result: unknown;
      /** About numbers that were rounded, which only the text shows; see `warnOfRoundedNumbers`. */
      warnings: RoundingWarning[];
      /** Characters of the body or event that held it. */
      size: number;
    }
  | {
      kind: 'rpc-error';
      /** Undefined if the server gives no number. */
      code: number | undefined;
      /** The server's text. */
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
  /** The text is a whole body, not an event of a stream. */
  isBody?: boolean;
}

/**
 * Finds the response to a request in one body or event. Yields between messages; see `Turns`.
 *
 * Accepts the id as a string. Accepts a response without an id, because a body answers a single request; if it is the
 * body's only message, it may lack the version too.
 */
export function* findAnswer(
  { text, parsed, isBody = false }: JsonText,
  {
    requestId,
    ownIdOnly = false,
    reportsRounding,
  }: Pick<AnswerSource, 'requestId' | 'ownIdOnly' | 'reportsRounding'>,
): Generator<void, RpcAnswer | undefined> {
  const { own, withoutId } = yield* findResponses(parsed, requestId);
  const bare = isBody && isBareResponse(parsed) ? parsed : undefined;
  const answer = own ?? (ownIdOnly ? undefined : (withoutId ?? bare));
  if (answer === undefined) return undefined;
  if (saysError(answer.error, answer.result)) return readError(answer.error, answer.id == null);
  const warnings = reportsRounding ? yield* warnOfRoundedNumbers(text, answer.result) : [];
  return { kind: 'result', result: answer.result, warnings, size: text.length };
}

type Message = Record<string, unknown>;

/** Returns the first response with the request's id; if there is none, the first response without an id. */
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

/** Returns the messages of one body or event: one message, or a batch, which older revisions allow. */
export function messagesIn(parsed: unknown): readonly unknown[] {
  return Array.isArray(parsed) ? parsed : [parsed];
}

function isWithoutId({ id, jsonrpc }: Record<string, unknown>): boolean {
  return id == null && typeof jsonrpc === 'string';
}

// A message without `jsonrpc` and id counts as a response only if its result or error has the form of JSON-RPC.
function isBareResponse(message: unknown): message is Record<string, unknown> {
  if (!isResponse(message) || message.id != null || message.jsonrpc != null) return false;
  if (message.error == null) return isObject(message.result);
  return isObject(message.error) && Number.isSafeInteger(Number(message.error.code ?? Number.NaN));
}

/** Whether a message is a response, to this or another request. */
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
 * Returns the response in a form that passes the SDK's checks, so only with the members that the SDK uses. The result
 * of a method other than `initialize` is left out: `RpcExchange.answer` holds it.
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

/** The most characters of a text that a session holds until it ends. */
const MAX_TEXT = 200;

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : 'unknown';
}
