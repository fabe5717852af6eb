import type { FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';

/**
 * Whether the request was sent to the host of PUBLIC_URL. A page of another name that resolves to this server (DNS
 * rebinding) sends that name.
 */
export function isOurHost(request: FastifyRequest, publicUrl: string): boolean {
  const { protocol, host } = new URL(publicUrl);
  const sentTo = `${protocol}//${request.host ?? ''}`;
  // Parsed, because the scheme's default port and the case of letters don't matter.
  return URL.canParse(sentTo) && new URL(sentTo).host === host;
}

/** @throws HttpProblem 421 unless the request was sent to the host of PUBLIC_URL. RFC 9110 §15.5.20. */
export function assertOurHost(request: FastifyRequest, publicUrl: string): void {
  if (isOurHost(request, publicUrl)) return;
  throw new HttpProblem(421, 'invalid-request', 'This server answers at another host.');
}

/**
 * Checks that a page of ours made an unsafe request. Browsers send `Origin: null` with forms of pages whose referrer
 * policy is `no-referrer`, as ours is; then `Sec-Fetch-Site` decides, which no page can set.
 *
 * @throws HttpProblem 403
 * @see https://fetch.spec.whatwg.org/#origin-header, https://w3c.github.io/webappsec-fetch-metadata/
 */
export function assertOurOrigin({ headers }: FastifyRequest, publicUrl: string): void {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const isSameOrigin = site === 'same-origin';
  const isOurs = origin === new URL(publicUrl).origin && (site === undefined || isSameOrigin);
  const isHidden = (origin === undefined || origin === 'null') && isSameOrigin;
  if (isOurs || isHidden) return;
  throw fromAnotherSite();
}

/**
 * Whether browsers send `Sec-Fetch-Site` to this address: https, or this machine.
 *
 * @see https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy
 */
export function isTrustworthy(publicUrl: string): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  return protocol === 'https:' || /^(?:(?:.*\.)?localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

/**
 * Refuses a read that a page of another site caused, where the browser says so.
 *
 * @throws HttpProblem 403
 */
export function assertNotCrossSite({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw fromAnotherSite();
}

function fromAnotherSite(): HttpProblem {
  return new HttpProblem(403, 'forbidden', 'Another site sent this request. Nothing was done.');
}
