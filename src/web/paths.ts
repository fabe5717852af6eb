import { stepUrl } from '../contracts/urls.ts';

// The addresses of pages. `base` is the path of PUBLIC_URL without a trailing slash.

export function homePath(
  base: string,
  filter: { status?: string | undefined; server?: string | undefined; cursor?: string | undefined } = {},
) {
  return withQuery(`${base}/`, filter);
}

export function stepPath(base: string, stepId: string): string {
  return stepUrl(base, stepId);
}

export function connectionsPath(base: string): string {
  return `${base}/connections`;
}

export function disconnectPath(base: string, serverId: string): string {
  return `${base}/disconnect/${encodeURIComponent(serverId)}`;
}

/** What is chosen already of a new step. */
export interface StartChoice {
  server?: string | undefined;
  account?: string | undefined;
  tool?: string | undefined;
  /** The id of a step of the user's. Its server, account, tool and arguments are chosen. */
  again?: string | undefined;
}

export function startPath(base: string, chosen: StartChoice = {}) {
  return withQuery(`${base}/start`, chosen);
}

export function serversPath(base: string): string {
  return `${base}/servers`;
}

export function newServerPath(base: string): string {
  return `${base}/servers/new`;
}

/** Where the form of a server that is not registered yet is checked. */
export function checkServerPath(base: string): string {
  return `${base}/servers/check`;
}

export function serverPath(base: string, serverId: string, action?: string): string {
  const path = `${base}/servers/${encodeURIComponent(serverId)}`;
  if (action !== undefined) return `${path}/${action}`;
  // Otherwise it would be a page that adds a server.
  return path === newServerPath(base) || path === checkServerPath(base) ? `${path}/` : path;
}

/** The lists over all users, for admins. */
export type OperationsList = 'steps' | 'connections' | 'audit';

export type OperationsFilter = Partial<
  Record<
    'userId' | 'actorUserId' | 'mcpServerId' | 'status' | 'reason' | 'action' | 'since' | 'cursor',
    string | undefined
  >
>;

export function operationsPath(base: string, list: OperationsList, filter: OperationsFilter = {}): string {
  return withQuery(`${base}/operations/${list}`, filter);
}

function withQuery(path: string, parameters: object): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
