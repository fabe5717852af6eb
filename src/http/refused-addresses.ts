import type { FieldError } from '../schemas/field-errors.ts';
import type { ServerRegistration } from '../schemas/server.ts';
import type { HttpDependencies } from './dependencies.ts';

const ADDRESSES_IN_AUTH = [
  'authorizationServer',
  'authorizationEndpoint',
  'tokenEndpoint',
  'revocationEndpoint',
] as const;

/** Returns the addresses of a registration that may not be registered, and why. */
export function refusedAddresses(
  { url, auth }: ServerRegistration,
  refuse: HttpDependencies['refuseServerAddress'],
): FieldError[] {
  const inAuth = auth.type === 'oauth2' ? ADDRESSES_IN_AUTH.map((name) => [name, auth[name]] as const) : [];
  const addresses = [['url', url] as const, ...inAuth.map(([name, one]) => [`auth.${name}`, one] as const)];
  return addresses.flatMap(([path, one]) => {
    const message = one === undefined ? undefined : refuse(one);
    return message === undefined ? [] : [{ path, message }];
  });
}
