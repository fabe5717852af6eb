import type { AnswerSource } from './answer-source.ts';
import { ServerFloods } from './failures.ts';
import { isResponse, messagesIn, type RpcAnswer } from './rpc-answer.ts';

/** Delivers the messages of one body or event, except responses. Yields between messages; see `Turns`. */
export type Delivery = (parsed: unknown) => Generator<void, void>;

/**
 * Creates the delivery for one request. It counts the messages of all the request's bodies and events.
 *
 * @throws ServerFloods from the delivery, when the request has more messages than the limit
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

/**
 * Runs a delivery in turns. If the answer has arrived as well, a flood of messages is ignored: the tool has run, so its
 * answer is kept.
 */
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
