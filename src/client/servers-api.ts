import type { ShownServer } from '../schemas/http-server.ts';
import { answerOfApi, LatchkeyApiError, type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** The registrations of MCP servers over the HTTP API, for admins. All methods throw `LatchkeyApiError`. */
export interface ServersApi {
  list(): Promise<ShownServer[]>;
  show(id: string): Promise<ShownServer>;
  /** Whether a server is registered under this id. */
  has(id: string): Promise<boolean>;
  /**
   * Registers a server, or replaces its whole registration.
   *
   * @param registration the body of `PUT /mcp-servers/:id`
   */
  put(id: string, registration: object): Promise<{ server: ShownServer; created: boolean }>;
  remove(id: string): Promise<void>;
  setPaused(id: string, paused: boolean): Promise<ShownServer>;
}

export function createServersApi(options: LatchkeyApiOptions): ServersApi {
  const pathOf = (id: string) => `/mcp-servers/${encodeURIComponent(id)}`;
  // The casts trust the contract of our own API.
  const show = async (id: string) =>
    (await requestApi(options, { method: 'GET', path: pathOf(id) })) as ShownServer;
  return {
    show,
    async list() {
      const answer = await requestApi(options, { method: 'GET', path: '/mcp-servers' });
      return (answer as { servers: ShownServer[] }).servers;
    },
    has: (id) => show(id).then(() => true, unlessUnknown),
    async put(id, registration) {
      const request = { method: 'PUT', path: pathOf(id), body: registration } as const;
      const { status, body } = await answerOfApi(options, request);
      return { server: body as ShownServer, created: status === 201 };
    },
    async remove(id) {
      await requestApi(options, { method: 'DELETE', path: pathOf(id) });
    },
    async setPaused(id, paused) {
      const path = `${pathOf(id)}/${paused ? 'pause' : 'resume'}`;
      return (await requestApi(options, { method: 'POST', path })) as ShownServer;
    },
  };
}

function unlessUnknown(error: unknown): false {
  if (error instanceof LatchkeyApiError && error.code === 'unknown-server') return false;
  throw error;
}
