import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export const REQUEST_ID_HEADER = 'x-request-id';

/** Bounded, because it stands in every log line, and in the memo of the step that the request starts. */
const REQUEST_ID = /^[A-Za-z0-9._~:+/=-]{1,128}$/;

/** Returns the caller's id for its request, or a new one where the caller sent none that can be used. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const sent = headers[REQUEST_ID_HEADER];
  return typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : randomUUID();
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Returns the `instance` of a problem document: a URN of the request's id (RFC 9457 §3.1.5, RFC 9562 §4). */
export function instanceOf(requestId: string): string {
  return UUID.test(requestId) ? `urn:uuid:${requestId}` : `urn:x-request-id:${encodeURIComponent(requestId)}`;
}
