import type { GuardedFetch, GuardedRequestInit } from '../../net/network.ts';
import type { SecretRedaction } from '../../net/secret-redaction.ts';
import type { McpTarget } from '../port.ts';
import { discardBody } from './discard-body.ts';

/** Where the requests to one registered server go: its registered URL, or the same with another end. */
export interface ServerAddress {
  readonly registered: URL;
  current: URL;
}

/** The address of a target's registration: the same for all users and sessions of the process. */
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

/** What a server answered, and at which URL. */
export interface AddressedAnswer {
  response: Response;
  url: URL;
}

/** RFC 9110 §15.4.8 and §15.4.9: the two that keep method and body. */
const KEEPS_METHOD: readonly number[] = [307, 308];
/** What an address answers that serves no MCP (any more). */
const NOT_HERE: readonly number[] = [301, 302, 303, 307, 308, 404, 405, 410];

/**
 * Sends a request to a registered server. Web frameworks redirect `/mcp` to `/mcp/`, or the other way round: that one
 * redirect is followed, and remembered once the other URL has served. A token goes nowhere else. A server that
 * redirects has not acted on the request, so it is the first time that it is made.
 *
 * @param onRedirect called before the request is sent again
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

// The other URL was right once. A 404 in a session is about the session.
function isGone({ status }: Response, { headers }: { headers: Headers }, address: ServerAddress): boolean {
  const moved = address.current.href !== address.registered.href;
  return moved && NOT_HERE.includes(status) && !headers.has('mcp-session-id');
}

function slashRedirect(response: Response, from: URL, registered: URL): URL | undefined {
  if (!KEEPS_METHOD.includes(response.status)) return undefined;
  const to = redirectTarget(response, from);
  if (to === undefined || to.href === from.href) return undefined;
  return differsInSlash(to, registered) ? to : undefined;
}

/** Where a redirect points, if it does. */
export function redirectTarget(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, from.href)) return undefined;
  return new URL(location, from);
}

/** The same URL byte for byte, but for one slash at the end of its path at most. */
function differsInSlash(to: URL, registered: URL): boolean {
  const asRegistered = new URL(to);
  asRegistered.pathname = registered.pathname;
  const ends = [to.pathname, `${to.pathname}/`];
  return (
    asRegistered.href === registered.href &&
    (ends.includes(registered.pathname) || to.pathname === `${registered.pathname}/`)
  );
}

/** Characters of a redirect's target that an operator is shown, at most. */
const SHOWN = 200;

/** A redirect's target as an operator may read it: without what may be a secret. */
export function shownTarget(target: URL | undefined, secrets: SecretRedaction): string {
  if (target === undefined) return 'nowhere';
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return 'what is not HTTP';
  const shown = `${target.origin}${target.pathname}`;
  // Host names come in small letters, and a cut would leave a part of a secret.
  return secrets.isQuotedInAnyCase(shown) ? 'an address that quotes what was sent' : shown.slice(0, SHOWN);
}
