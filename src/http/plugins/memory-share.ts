import type { FastifyReply } from 'fastify';

/** Whether the answer to a request is sent, or its caller has gone. Call this before the first `await` of a handler. */
export function watchAnswer({ raw }: FastifyReply): { isOver(): boolean; over: Promise<void> } {
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true;
      resolve();
    };
    raw.once('finish', end).once('close', end);
  });
  return { isOver: () => isOver, over };
}

/** Ends an answer that is not sent in time: a caller that does not read it would keep the memory for good. */
export function endStalledAnswer({ raw }: FastifyReply, sendMs: number): void {
  const timer = setTimeout(() => raw.destroy(), sendMs);
  const clear = () => clearTimeout(timer);
  raw.once('finish', clear).once('close', clear);
}
