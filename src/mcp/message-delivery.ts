import type { AnswerSource } from './answer-source.ts';
import { ServerFloods } from './classify-failure.ts';
import { isResponse, messagesIn, type RpcAnswer } from './rpc-answer.ts';

/** Hands on what one body or event holds, in steps. */
export type Delivery = (parsed: unknown) => Generator<void, void>;

/**
 * Hands on the messages of one body or event but for responses, and counts them over all that come for one request.
 *
 * @throws ServerFloods
 */
export function messageDelivery({
  deliver,
  limits: { messagesPerRequest },
}: Pick<AnswerSource, 'deliver' | 'limits'>): Delivery {
  let delivered = 0;
  return function* (parsed) {
    for (const message of messagesIn(parsed)) {
      yield;
      if (isResponse(message)) continue;
      delivered += 1;
      if (delivered > messagesPerRequest) throw new ServerFloods('messages');
      deliver(message);
    }
  };
}

/** Too much of what came together with the answer does not cost the answer: the tool has run. */
export async function deliverBeside(
  answer: RpcAnswer | undefined,
  delivery: Generator<void, void>,
  { turns, alive }: Pick<AnswerSource, 'turns' | 'alive'>,
): Promise<void> {
  try {
    await turns.take(delivery, () => alive?.());
  } catch (error) {
    if (answer === undefined || !(error instanceof ServerFloods)) throw error;
  }
}
