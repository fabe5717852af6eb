// The addresses of pages. `base` is the path of PUBLIC_URL without a trailing slash.

export function homePath(
  base: string,
  filter: { status?: string | undefined; server?: string | undefined; cursor?: string | undefined } = {},
) {
  return withQuery(`${base}/`, filter);
}

export function stepPath(base: string, stepId: string): string {
  return `${base}/step/${encodeURIComponent(stepId)}`;
}

export function connectionsPath(base: string): string {
  return `${base}/connections`;
}

export function disconnectPath(base: string, serverId: string): string {
  return `${base}/disconnect/${encodeURIComponent(serverId)}`;
}

export function startPath(base: string, chosen: { server?: string; account?: string; tool?: string } = {}) {
  return withQuery(`${base}/start`, chosen);
}

export function serversPath(base: string): string {
  return `${base}/servers`;
}

export function newServerPath(base: string): string {
  return `${base}/servers/new`;
}

export function serverPath(base: string, serverId: string, action?: string): string {
  const path = `${base}/servers/${encodeURIComponent(serverId)}`;
  if (action !== undefined) return `${path}/${action}`;
  // Otherwise it would be the page that adds a server.
  return path === newServerPath(base) ? `${path}/` : path;
}

function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
