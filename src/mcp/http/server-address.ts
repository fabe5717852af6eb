import type { GuardedFetch, GuardedRequestInit } from '../../net/network.ts';
import type { SecretRedaction } from '../../net/secret-redaction.ts';
import type { McpTarget } from '../port.ts';
import { discardBody } from './discard-body.ts';

/** Where the requests to one registered server go: the registered URL, or the same with one slash more or less. */
export interface ServerAddress {
  readonly registered: URL;
  current: URL;
}

/** Returns the address of a target's registration, which all users and sessions of the process share. */
export type ServerAddresses = (target: McpTarget) => ServerAddress;

export function createServerAddresses(): ServerAddresses {
  const known = new Map<string, { registrationVersion: number; address: ServerAddress }>();
  return ({ mcpServerId, registrationVersion, url }) => {
    const found = known.get(mcpServerId);
    if (
      found?.registrationVersion === registrationVersion &&
      found.address.registered.href === new URL(url).href
    ) {
      return found.address;
    }
    const registered = new URL(url);
    const address = { registered, current: registered };
    known.set(mcpServerId, { registrationVersion, address });
    return address;
  };
}

/** A server's answer, and the URL that gave it. */
export interface AddressedAnswer {
  response: Response;
  url: URL;
}

/** The redirects that keep method and body. RFC 9110 §15.4.8, §15.4.9. */
const METHOD_PRESERVING_STATUSES: readonly number[] = [307, 308];
/** The statuses of a URL that does not, or no longer, serve MCP. */
const NOT_SERVED: readonly number[] = [301, 302, 303, 307, 308, 404, 405, 410];

/**
 * Sends a request to a registered server. Web frameworks redirect `/mcp` to `/mcp/`, or the other way round. This one
 * redirect is followed, and the other URL is remembered once it has answered with 2xx. A token is sent nowhere else. A
 * server that redirects has not acted on the request, so the server still acts on it once at most.
 *
 * @param onRedirect called before the request is sent to the other URL
 */
export async function fetchFrom(
  address: ServerAddress,
  init: GuardedRequestInit & { headers: Headers },
  guardedFetch: GuardedFetch,
  onRedirect: () => void,
): Promise<AddressedAnswer> {
  const url = address.current;
  const response = await guardedFetch(url, init);
  const target = slashRedirect(response, url, address.registered);
  const next = target ?? (isGone(response, init, address) ? address.registered : undefined);
  if (next === undefined) return { response, url };
  discardBody(response.body?.getReader());
  onRedirect();
  const answer = { response: await guardedFetch(next, init), url: next };
  if (answer.response.ok) address.current = next;
  return answer;
}

// A remembered URL may stop serving. A 404 in a session is about the session.
function isGone({ status }: Response, { headers }: { headers: Headers }, address: ServerAddress): boolean {
  const moved = address.current.href !== address.registered.href;
  return moved && NOT_SERVED.includes(status) && !headers.has('mcp-session-id');
}

function slashRedirect(response: Response, from: URL, registered: URL): URL | undefined {
  if (!METHOD_PRESERVING_STATUSES.includes(response.status)) return undefined;
  const to = redirectTarget(response, from);
  if (to === undefined || to.href === from.href) return undefined;
  return differsInSlash(to, registered) ? to : undefined;
}

/** Returns the target of a redirect, or undefined if it names none. */
export function redirectTarget(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, from.href)) return undefined;
  return new URL(location, from);
}

/** Whether the two URLs are equal byte for byte, or differ in one slash at the end of the path. */
function differsInSlash(to: URL, registered: URL): boolean {
  const asRegistered = new URL(to);
  asRegistered.pathname = registered.pathname;
  const ends = [to.pathname, `${to.pathname}/`];
  return (
    asRegistered.href === registered.href &&
    (ends.includes(registered.pathname) || to.pathname === `${registered.pathname}/`)
  );
}

/** The most characters of a redirect's target that an operator is shown. */
const MAX_SHOWN = 200;

/** Returns a redirect's target for the operator, without what may be a secret. */
export function shownTarget(target: URL | undefined, secrets: SecretRedaction): string {
  if (target === undefined) return 'nowhere';
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return 'what is not HTTP';
  const shown = `${target.origin}${target.pathname}`;
  // URL parsing puts host names into lower case. The check comes before the cut, which would leave part of a secret.
  return secrets.isQuotedInAnyCase(shown)
    ? 'an address that quotes what was sent'
    : shown.slice(0, MAX_SHOWN);
}
