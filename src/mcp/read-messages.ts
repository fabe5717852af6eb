import { readJson } from '../turns/read-json.ts';
import type { AnswerSource } from './answer-source.ts';
import { findAnswer, type RpcAnswer } from './rpc-answer.ts';

/** What one body or event holds: the JSON, undefined for what is none, and the answer, if it is in there. */
export interface Messages {
  parsed: unknown;
  answer: RpcAnswer | undefined;
}

/**
 * JSON-RPC as a server wrote it, also after a byte order mark (RFC 8259 §8.1), read within limits and in turns.
 *
 * @throws JsonOverLimit
 */
export async function readMessages(
  text: string,
  source: Pick<AnswerSource, 'json' | 'turns' | 'alive' | 'requestId' | 'ownIdOnly' | 'tellsRounding'>,
  isBody = false,
): Promise<Messages> {
  const { json, turns, alive } = source;
  const parsed = await turns.take(readJsonOrNone(text.replace(/^\uFEFF+/, ''), json), () => alive?.());
  const answer = await turns.take(findAnswer({ text, parsed, isBody }, source), () => alive?.());
  return { parsed, answer };
}

function* readJsonOrNone(...[text, limits]: Parameters<typeof readJson>): Generator<void, unknown> {
  try {
    return yield* readJson(text, limits);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
