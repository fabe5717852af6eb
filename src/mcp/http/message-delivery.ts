import type { AnswerSource } from './answer-source.ts';
import { ServerFloods } from './failures.ts';
import { isResponse, messagesIn, type RpcAnswer } from './rpc-answer.ts';

/** Passes on the messages of one body or event, in steps. */
export type Delivery = (parsed: unknown) => Generator<void, void>;

/**
 * Passes on the messages of one body or event, except responses, and counts them for the whole request.
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

/** Ignores a flood that came together with the answer: the tool has run, so the answer is kept. */
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
