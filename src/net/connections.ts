import { Agent } from 'undici';
import { type ConnectorOptions, createGuardedConnector } from './guarded-connector.ts';

/** Beyond so many open connections no further one is kept for reuse. */
const MAX_KEPT = 512;

/** Short, because every reused connection may already have been closed by its server: then a POST is lost. */
const KEEP_ALIVE_MS = 4_000;

/** Where the server announces (`Keep-Alive: timeout=`) for how long it keeps connections. */
const ANNOUNCED_KEEP_ALIVE_MS = 30_000;

export interface Connections {
  agent: Agent;
  /** No room to keep another connection: it is to be closed after its answer. */
  full(): boolean;
}

/**
 * The connections on behalf of one address source. Never shared between sources: a connection that an
 * admin's word allowed to a private address must not serve a user's address of the same origin.
 *
 * HTTP/1.1 without pipelining, because only there undici reports the moment before the first byte.
 */
export function createConnections(options: ConnectorOptions, maxKept = MAX_KEPT): Connections {
  const agent = new Agent({
    connect: createGuardedConnector(options),
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
