import { z } from 'zod';
import { type Part, part, type Report } from './part.ts';
import { Secret } from './secret.ts';

/** An HTTP proxy. */
export interface EgressProxyConfig {
  /** `http://proxy.internal:3128`, without user and password. */
  origin: string;
  /** The value of `Proxy-Authorization`. Undefined: the proxy asks for none. */
  authorization: string | undefined;
}

const NAME = 'EGRESS_PROXY';
const CONTROL = /\p{Cc}/u;
const FORM = 'must be the address of an HTTP proxy, such as http://user:password@proxy.internal:3128';

/** `EGRESS_PROXY`. A secret, because it may hold a password. */
export const egressProxy: Part<Secret<EgressProxyConfig> | undefined> = part(
  (env, report) => {
    const value = env[NAME]?.trim();
    return value === undefined ? undefined : readProxy(value, report);
  },
  [{ name: NAME, meaning: 'the HTTP proxy of all outbound requests', unset: 'off' }],
);

function readProxy(value: string, report: Report): Secret<EgressProxyConfig> {
  const url = /^https?:\/\//i.test(value) ? URL.parse(value) : null;
  if (url === null) return refuse(report, FORM);
  if (url.pathname !== '/' || /[?#]/.test(value)) return refuse(report, 'must not have a path or a query');
  const credentials = credentialsOf(url);
  if (credentials === undefined)
    return refuse(report, 'has a user or password that is not percent-encoded, or no text');
  return new Secret({ origin: url.origin, authorization: basic(credentials) });
}

function refuse(report: Report, problem: string): never {
  report(NAME, problem);
  return z.NEVER;
}

interface Credentials {
  user: string;
  password: string;
}

/** Returns undefined for credentials that can't be sent. A user must not hold a colon (RFC 7617 §2). */
function credentialsOf({ username, password }: URL): Credentials | undefined {
  try {
    const decoded = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
    const isText = !CONTROL.test(decoded.user + decoded.password) && !decoded.user.includes(':');
    return isText ? decoded : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7617 §2 */
function basic({ user, password }: Credentials): string | undefined {
  if (user === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
