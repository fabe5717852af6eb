import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ChangeHub } from '../../changes/change-hub.ts';
import { changeAnswerSchema, changeSchema, eventsQuerySchema } from '../../schemas/http-event.ts';
import { callerOf } from '../caller.ts';
import type { HttpApp } from '../dependencies.ts';
import { type EventStream, startEventStream } from '../plugins/event-stream.ts';
import { createLongPolls } from '../plugins/long-polls.ts';
import { createOpenStreams, type StreamOptions } from '../plugins/stream-limits.ts';

export interface EventsDependencies {
  changes: ChangeHub;
  /** Whether the caller's token or session is still good. */
  isStillCaller(request: FastifyRequest): Promise<boolean>;
}

const DEFAULTS: StreamOptions = { perUser: 20, perProcess: 2_000, beatMs: 15_000 };
/** Every second beat tells pages to look again, because the note of a killed worker may be lost. */
const BEATS_TO_RECHECK = 2;
/** Every fourth beat looks whether the caller is still signed in. */
const BEATS_TO_CALLER_CHECK = 4;

const DESCRIPTION = `A stream of server-sent events, for the web page. It says that something of yours has changed, not
what: its data is the change number alone. \`ready\` comes first and says whether there was a change after the one that
\`Last-Event-ID\` or \`after\` names; \`change\` tells of each change; \`recheck\`, every 30 s, of none: look again all the
same, because a change may have been missed. With \`Accept: application/json\`, one answer at once instead of a stream.`;

/** Registers the events that tell pages to look again. */
export function registerEvents(
  api: HttpApp,
  deps: EventsDependencies,
  options: Partial<StreamOptions> = {},
): void {
  const { beatMs, ...limits } = { ...DEFAULTS, ...options };
  const polls = createLongPolls(api);
  const streams = createOpenStreams(limits);
  api.get('/events', {
    schema: {
      tags: ['Events'],
      operationId: 'streamEvents',
      summary: 'Learn that something has changed',
      description: DESCRIPTION,
      querystring: eventsQuerySchema,
      response: {
        200: {
          content: {
            'text/event-stream': { schema: z.string() },
            'application/json': { schema: changeAnswerSchema },
          },
        },
      },
    },
    config: { isBackground: true },
    handler: async (request, reply) => {
      const seen = seenChange(request, request.query.after);
      if (!wantsStream(request)) {
        const change = await deps.changes.current(callerOf(request).userId);
        return { change, changed: change !== seen };
      }
      const leave = streams.enter(callerOf(request).userId);
      const signal = polls.signalFor(reply);
      whenAborted(signal, leave);
      await openStream(deps, { request, reply, seen, signal, beatMs });
      return reply;
    },
  });
}

interface StreamRequest {
  request: FastifyRequest;
  reply: FastifyReply;
  /** The last change that the client has seen. */
  seen: string | undefined;
  /** Aborts when the client goes away or the app closes. */
  signal: AbortSignal;
  beatMs: number;
}

async function openStream(deps: EventsDependencies, opening: StreamRequest): Promise<void> {
  const { request, reply, seen, signal, beatMs } = opening;
  let stream: EventStream | undefined;
  let latest = '';
  const { change, stop } = await deps.changes.follow(callerOf(request).userId, (next) => {
    latest = next;
    stream?.send('change', next, { change: next });
  });
  latest ||= change;
  stream = startEventStream(reply);
  stream.send('ready', latest, { change: latest, changed: latest !== seen });
  const endBeating = keepAlive(stream, { deps, request, beatMs, latest: () => latest });
  const { end } = stream;
  whenAborted(signal, () => {
    stop();
    endBeating();
    end();
  });
}

interface Beating {
  deps: EventsDependencies;
  request: FastifyRequest;
  beatMs: number;
  latest: () => string;
}

/** Returns a function that ends it. The stream ends when the caller is signed out. */
function keepAlive(stream: EventStream, { deps, request, beatMs, latest }: Beating): () => void {
  let beats = 0;
  const beat = async () => {
    beats += 1;
    if (beats % BEATS_TO_CALLER_CHECK === 0 && !(await isStillCaller(deps, request))) return stream.end();
    if (beats % BEATS_TO_RECHECK === 0) stream.send('recheck', latest(), { change: latest() });
    else stream.beat();
  };
  const timer = setInterval(beat, beatMs);
  return () => clearInterval(timer);
}

/** Returns true while the database is unavailable, so that an outage ends no stream. */
function isStillCaller(deps: EventsDependencies, request: FastifyRequest): Promise<boolean> {
  return deps.isStillCaller(request).catch(() => true);
}

function whenAborted(signal: AbortSignal, work: () => void): void {
  if (signal.aborted) work();
  else signal.addEventListener('abort', work, { once: true });
}

// A client that names no type, such as curl, gets the stream.
function wantsStream({ headers: { accept = '' } }: FastifyRequest): boolean {
  return accept.includes('text/event-stream') || !accept.includes('application/json');
}

/** Ignores an invalid header: the client then fetches again. */
function seenChange({ headers }: FastifyRequest, after: string | undefined): string | undefined {
  const { data } = changeSchema.safeParse(headers['last-event-id']);
  return data ?? after;
}
