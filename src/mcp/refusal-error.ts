import { startDeadline } from '../net/deadline.ts';
import { readAnswer } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import type { RpcAnswer } from './rpc-answer.ts';

/** The JSON-RPC error in the body of an HTTP refusal. */
export interface RefusalError {
  /** Undefined where the server gives no number. */
  code: number | undefined;
  data?: unknown;
}

/** How an answer to the refused request would have been read. */
export type ReadingRules = Pick<AnswerSource, 'limits' | 'json' | 'tellsRounding' | 'turns' | 'alive'>;

/** What is read of a refusal's body, and for how long (milliseconds). */
export type RefusalReading = Pick<AnswerSource, 'requestId' | 'ownIdOnly' | 'maxBytes'> &
  ReadingRules & { withinMs: number };

/**
 * The JSON-RPC response in the body of an HTTP refusal, read like any answer. Undefined where the body holds none in
 * time. Never rejects, and leaves no body unread.
 */
export async function readRefusal(
  response: Response,
  { withinMs, ...reading }: RefusalReading,
): Promise<RpcAnswer | undefined> {
  const deadline = startDeadline(withinMs);
  try {
    return await readAnswer(endedBy(deadline.signal, response), { ...reading, ...NOT_RESUMED });
  } catch {
    // The status is known; a body that breaks, or holds something else, tells nothing more.
    return undefined;
  } finally {
    deadline.clear();
  }
}

/** The same answer, whose body ends with the signal, and its connection too. */
function endedBy(signal: AbortSignal, { body, headers }: Response): Response {
  const piped = body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
  return new Response(piped ?? null, { headers });
}

const NOT_RESUMED: Pick<AnswerSource, 'deliver' | 'resume' | 'pause'> = {
  deliver: () => {},
  resume: async () => new Response(null, { status: 404 }),
  pause: async () => {},
};
