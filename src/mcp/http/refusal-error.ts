import { startDeadline } from '../../async/deadline.ts';
import { readAnswer } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import type { RpcAnswer } from './rpc-answer.ts';

/** How an answer to the refused request would have been read. */
export type ReadingRules = Pick<
  AnswerSource,
  'limits' | 'json' | 'reportsRounding' | 'turns' | 'alive' | 'held'
>;

/** What is read of a refusal's body, and for how many milliseconds. */
export type RefusalReading = Pick<AnswerSource, 'requestId' | 'ownIdOnly' | 'maxBytes'> &
  ReadingRules & { timeoutMs: number };

/**
 * Reads the JSON-RPC response in the body of an HTTP refusal, like any answer. Returns undefined if the body holds
 * none in time. Never rejects, and leaves no body unread.
 */
export async function readRefusal(
  response: Response,
  { timeoutMs, ...reading }: RefusalReading,
): Promise<RpcAnswer | undefined> {
  const deadline = startDeadline(timeoutMs);
  try {
    return await readAnswer(endedBy(deadline.signal, response), { ...reading, ...NOT_RESUMED });
  } catch {
    // The status is known. A body that breaks, or holds something else, adds nothing to it.
    return undefined;
  } finally {
    deadline.clear();
  }
}

/** The same answer, whose body and connection end when the signal aborts. */
function endedBy(signal: AbortSignal, { body, headers }: Response): Response {
  const piped = body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
  return new Response(piped ?? null, { headers });
}

const NOT_RESUMED: Pick<AnswerSource, 'deliver' | 'resume' | 'pause'> = {
  deliver: () => {},
  resume: async () => new Response(null, { status: 404 }),
  pause: async () => {},
};
