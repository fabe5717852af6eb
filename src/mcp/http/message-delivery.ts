import type { AnswerSource } from './answer-source.ts';
import { ServerFloods } from './failures.ts';
import { isResponse, type RpcAnswer } from './rpc-answer.ts';

/**
 * Hands on the messages of one body or event but for responses, and counts them over all that come for one request.
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

/** Too much of what came together with the answer does not cost the answer: the tool has run. */
export function deliverBeside(answer: RpcAnswer | undefined, deliver: () => void): void {
  try {
    deliver();
  } catch (error) {
    if (answer === undefined || !(error instanceof ServerFloods)) throw error;
  }
}
