import type { AnswerSource } from './answer-source.ts';
import { ServerFloods } from './failures.ts';
import { isResponse, type RpcAnswer } from './rpc-answer.ts';

/**
 * Passes on the messages of one body or event, except responses, and counts them for the whole request.
 *
 * @throws ServerFloods
 */
export function messageDelivery({
  deliver,
  limits: { messagesPerRequest },
}: Pick<AnswerSource, 'deliver' | 'limits'>): (parsed: unknown) => void {
  let delivered = 0;
  return (parsed) => {
    for (const message of [parsed].flat()) {
      if (isResponse(message)) continue;
      delivered += 1;
      if (delivered > messagesPerRequest) throw new ServerFloods('messages');
      deliver(message);
    }
  };
}

/** Ignores a flood that came together with the answer: the tool has run, so the answer is kept. */
export function deliverBeside(answer: RpcAnswer | undefined, deliver: () => void): void {
  try {
    deliver();
  } catch (error) {
    if (answer === undefined || !(error instanceof ServerFloods)) throw error;
  }
}
