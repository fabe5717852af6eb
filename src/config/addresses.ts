import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { type Environment, parseVariable, part, type Report, variable } from './part.ts';
import { httpUrl, integer } from './variables.ts';

const portNumber = integer(0, 65_535).prefault('3000');

export const port = variable('PORT', portNumber, 'the port to listen on; 0: any free one');

/** Has no trailing slash, so that paths can be appended. */
export const publicUrl = part(readPublicUrl, [
  {
    name: 'PUBLIC_URL',
    meaning: "the address that users' browsers open",
    unset: 'default http://127.0.0.1:$PORT',
  },
]);

/** Default: the origin of `PUBLIC_URL`. */
export const returnOrigins = part(
  (env, report): string[] => {
    if (env.RETURN_ORIGINS === undefined) return originOfPublicUrl(env);
    return readOrigins('RETURN_ORIGINS', env.RETURN_ORIGINS, report);
  },
  [{ name: 'RETURN_ORIGINS', meaning: 'origins that returnTo may name', unset: 'the origin of PUBLIC_URL' }],
);

/** Default: none. */
export const codecOrigins = part(
  (env, report): string[] =>
    env.CODEC_ORIGINS === undefined ? [] : readOrigins('CODEC_ORIGINS', env.CODEC_ORIGINS, report),
  [
    {
      name: 'CODEC_ORIGINS',
      meaning: "origins of Temporal's UI that may call the codec endpoint",
      unset: 'none',
    },
  ],
);

/** Addresses and ranges of reverse proxies, whose `X-Forwarded-For` and `X-Forwarded-Host` are believed. Default: none. */
export const trustedProxies = part(
  (env, report): string[] => {
    const entries = (env.TRUSTED_PROXIES ?? '').split(',').map((entry) => entry.trim());
    if (env.TRUSTED_PROXIES === undefined) return [];
    for (const [index, entry] of entries.entries()) {
      if (ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry)) continue;
      report('TRUSTED_PROXIES', `entry ${index + 1} must be an address or a range such as 10.0.0.0/8`);
    }
    return entries;
  },
  [
    {
      name: 'TRUSTED_PROXIES',
      meaning: 'addresses of reverse proxies whose X-Forwarded-For is believed',
      unset: 'none',
    },
  ],
);

const bareUrl = httpUrl
  .refine((value) => !/[?#]/.test(value), 'must not have a query or fragment')
  .transform((value) => new URL(value))
  .transform(({ origin, pathname }) => `${origin}${pathname.replace(/\/+$/, '')}`);

function readPublicUrl(env: Environment, report: Report): string {
  if (env.PUBLIC_URL !== undefined) return parseVariable('PUBLIC_URL', bareUrl, env, report);
  const listening = parseVariable('PORT', portNumber, env, report);
  if (listening === 0) report('PUBLIC_URL', 'is required when PORT is 0: the port is not known beforehand');
  return `http://127.0.0.1:${listening}`;
}

function originOfPublicUrl(env: Environment): string[] {
  // Problems of PUBLIC_URL are reported by the setting `publicUrl`.
  const url = readPublicUrl(env, () => {});
  return URL.canParse(url) ? [new URL(url).origin] : [];
}

function readOrigins(name: string, value: string, report: Report): string[] {
  const entries = value.split(',').map((entry) => entry.trim());
  return [...new Set(entries.map((entry, index) => readOrigin(name, entry, index + 1, report)))];
}

function readOrigin(name: string, entry: string, position: number, report: Report): string {
  const { data } = httpUrl.safeParse(entry);
  const url = data === undefined ? undefined : new URL(data);
  // A wildcard is a valid host for the URL parser, but would match no origin.
  if (url !== undefined && url.href === `${url.origin}/` && !url.host.includes('*')) return url.origin;
  report(name, `entry ${position} must be an origin such as https://app.example.com`);
  return z.NEVER;
}
