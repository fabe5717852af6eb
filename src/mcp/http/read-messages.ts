import { readJson } from '../../turns/read-json.ts';
import type { AnswerSource } from './answer-source.ts';
import { findAnswer, type RpcAnswer } from './rpc-answer.ts';

/** The content of one body or event. */
export interface Messages {
  /** Undefined if it is not JSON. */
  parsed: unknown;
  /** The response to the request, if it is there. */
  answer: RpcAnswer | undefined;
}

/**
 * Reads a server's JSON-RPC messages within the limits, in turns. A byte order mark is ignored (RFC 8259 §8.1).
 *
 * @throws JsonOverLimit
 */
export async function readMessages(
  text: string,
  source: Pick<AnswerSource, 'json' | 'turns' | 'alive' | 'requestId' | 'ownIdOnly' | 'reportsRounding'>,
  isBody = false,
): Promise<Messages> {
  const { json, turns, alive } = source;
  const parsed = await turns.take(readJsonIfValid(text.replace(/^\uFEFF+/, ''), json), () => alive?.());
  const answer = await turns.take(findAnswer({ text, parsed, isBody }, source), () => alive?.());
  return { parsed, answer };
}

function* readJsonIfValid(...[text, limits]: Parameters<typeof readJson>): Generator<void, unknown> {
  try {
    return yield* readJson(text, limits);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
