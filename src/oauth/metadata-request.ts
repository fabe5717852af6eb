import { startDeadline } from '../async/deadline.ts';
import type { AddressSource, GuardedFetch } from '../net/network.ts';

/** Requests metadata. Rejects if the network fails. */
export type RequestMetadata = (url: string, addressFrom: AddressSource) => Promise<Response>;

/** The time limit of all requests of one look-up together, so that no caller waits for a response that trickles in. */
const LOOKUP_TIMEOUT_MS = 15_000;
const REQUEST_LIMITS = { headersTimeoutMs: 10_000, bodyTimeoutMs: 10_000, maxBodyBytes: 256 * 1024 };

/** For one look-up: the time limit starts now. */
export function createRequestMetadata(guardedFetch: GuardedFetch): RequestMetadata {
  const { signal } = startDeadline(LOOKUP_TIMEOUT_MS);
  const headers = { accept: 'application/json' };
  return (url, addressFrom) =>
    guardedFetch(url, { method: 'GET', headers, addressFrom, signal, ...REQUEST_LIMITS });
}

/**
 * Returns the first response that is not a 4xx; 429 counts as an outage. Some servers say 401 or 405 instead of 404.
 */
export async function firstNotRefused(
  urls: readonly string[],
  request: (url: string) => Promise<Response>,
): Promise<{ url: string; response: Response } | undefined> {
  for (const url of urls) {
    const response = await request(url);
    if (!isRefusal(response)) return { url, response };
    await response.body?.cancel();
  }
  return undefined;
}

function isRefusal({ status }: Response): boolean {
  return status >= 400 && status < 500 && status !== 429;
}

export function isOutage({ status }: Response): boolean {
  return status >= 500 || status === 429;
}

export async function outage(response: Response): Promise<{ kind: 'unavailable'; cause: string }> {
  await response.body?.cancel();
  return { kind: 'unavailable', cause: `metadata-http-${response.status}` };
}

/**
 * Replaces path, query and fragment of a URL. The path is set and not resolved, because one that begins with two
 * slashes would resolve to another host. A user name stays, and the guarded fetch refuses it.
 */
export function atPath(base: URL, pathname: string): string {
  const url = new URL(base);
  url.pathname = pathname;
  url.search = '';
  url.hash = '';
  return url.href;
}
