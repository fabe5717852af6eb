import type { FastifyInstance, FastifyReply } from 'fastify';

export interface LongPolls {
  /** Aborts when the client goes away or the app closes. */
  signalFor(reply: FastifyReply): AbortSignal;
}

/** Lets requests wait without delaying a shutdown. */
export function createLongPolls(app: FastifyInstance): LongPolls {
  const open = new Set<AbortController>();
  app.addHook('preClose', async () => {
    for (const poll of open) poll.abort();
  });
  return {
    signalFor(reply) {
      const poll = new AbortController();
      open.add(poll);
      // The response's event, because a request emits `close` as soon as its body has been read.
      reply.raw.once('close', () => {
        open.delete(poll);
        poll.abort();
      });
      return poll.signal;
    },
  };
}
