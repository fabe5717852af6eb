import { isPlainUrl } from '../contracts/urls.ts';
import type { ConnectStatus } from './sessions/connect-session.ts';

/**
 * Whether a browser may be sent to this address after a flow: a plain http(s) URL whose origin the operator has listed.
 * All parsers read a plain URL alike, so a browser can't end up at another origin than the one that was checked
 * (`/\evil.example`, `//evil.example`, `https://app.example@evil.example`).
 *
 * @see https://datatracker.ietf.org/doc/html/rfc9700#section-4.11
 */
export function mayReturnTo(returnTo: string, returnOrigins: readonly string[]): boolean {
  if (!/^https?:\/\//i.test(returnTo) || !isPlainUrl(returnTo)) return false;
  const { origin, username, password } = new URL(returnTo);
  return username === '' && password === '' && returnOrigins.includes(origin);
}

/** What a browser brings back to the host. */
export interface ReturnedOutcome {
  connectSessionId: string;
  status: ConnectStatus | 'expired';
  /** Proves that this browser brings the consent that waits for the host. */
  confirmation?: string;
}

/** Adds the outcome of a connect session to its `returnTo`. */
export function returnUrl(returnTo: string, outcome: ReturnedOutcome): string {
  const url = new URL(returnTo);
  for (const [name, value] of Object.entries(outcome)) url.searchParams.set(name, value);
  return url.href;
}
