import { Agent, type buildConnector } from 'undici';

/** When more connections are open, no further one is kept for reuse. */
const MAX_KEPT = 512;

/** Short, because the server may already have closed a connection that is reused, and a POST on it is lost. */
const KEEP_ALIVE_MS = 4_000;

/** The limit if the server announces how long it keeps connections (`Keep-Alive: timeout=`). */
const ANNOUNCED_KEEP_ALIVE_MS = 30_000;

export interface Connections {
  agent: Agent;
  /** Whether the limit is reached, so that a further connection is closed after its answer. */
  full(): boolean;
}

/**
 * The connections of one address source. They are not shared between sources: a connection to a private address, which
 * is allowed because an admin gave the address, must not serve a user's address of the same origin.
 *
 * Uses HTTP/1.1 without pipelining, because undici reports the moment before the first byte only there.
 */
export function createConnections(connect: buildConnector.connector, maxKept = MAX_KEPT): Connections {
  const agent = new Agent({
    connect,
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: ANNOUNCED_KEEP_ALIVE_MS,
  });
  let open = 0;
  agent.on('connect', () => {
    open += 1;
  });
  agent.on('disconnect', () => {
    open -= 1;
  });
  return { agent, full: () => open >= maxKept };
}
