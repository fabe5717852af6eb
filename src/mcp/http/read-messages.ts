import { readJson } from '../../turns/read-json.ts';
import type { AnswerSource } from './answer-source.ts';
import { findAnswer, type RpcAnswer } from './rpc-answer.ts';

/** The content of one body or event: its JSON, undefined if it is not JSON, and the answer, if it holds one. */
export interface Messages {
  parsed: unknown;
  answer: RpcAnswer | undefined;
}

/**
 * Reads JSON-RPC as a server wrote it, within limits and in turns. A byte order mark is ignored (RFC 8259 §8.1).
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
