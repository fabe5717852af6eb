import { z } from 'zod';
import { hasScope, isScopeList } from '../contracts/scopes.ts';
import type { NetworkPolicy } from '../net/network.ts';
import { readOutboundAddress } from './outbound-address.ts';
import { type Environment, type Part, parseVariable, part, type Report } from './part.ts';
import { Secret } from './secret.ts';
import { text } from './variables.ts';

/** Sign-in to the web page by OpenID Connect. */
export interface OidcConfig {
  issuer: string;
  clientId: string;
  /** Undefined: a public client. */
  clientSecret: Secret<string> | undefined;
  /** Space-separated; contains `openid`. */
  scopes: string;
  /** The claim that is the user id, as in API tokens. */
  userClaim: string;
  /** The claim and its value that make a user an admin. Undefined: no user of the web page is one. */
  admin: { claim: string; value: string } | undefined;
}

const HELP = [
  { name: 'OIDC_ISSUER', meaning: 'the OpenID provider that signs users in to the web page', unset: 'off' },
  {
    name: 'OIDC_CLIENT_ID',
    meaning: 'required beside OIDC_ISSUER: the client at the provider',
    unset: 'off',
  },
  { name: 'OIDC_CLIENT_SECRET', meaning: "the client's secret", unset: 'a public client' },
  { name: 'OIDC_SCOPES', meaning: 'the scopes that are requested', unset: 'default openid' },
  { name: 'OIDC_USER_CLAIM', meaning: 'the claim that is the user id', unset: 'default sub' },
  { name: 'OIDC_ADMIN_CLAIM', meaning: 'the claim that makes a user an admin', unset: 'off' },
  { name: 'OIDC_ADMIN_VALUE', meaning: 'required beside OIDC_ADMIN_CLAIM: its value', unset: 'off' },
];

// OpenID Connect Core §3.1.2.1: a request without the scope `openid` is not an OpenID Connect request.
const scopes = z
  .string()
  .refine(isScopeList, 'must be scopes separated by one space')
  .refine((value) => hasScope(value, 'openid'), 'must contain openid')
  .prefault('openid');

const clientSecret = z
  .string()
  .transform((secret) => new Secret(secret))
  .optional();

/**
 * The variables `OIDC_*`. None of them takes effect without `OIDC_ISSUER`, so that one is required beside the others.
 *
 * @param defaultPolicy the `NETWORK_POLICY` of a role if none is set; the policy decides which addresses are allowed
 */
export function oidc(defaultPolicy: NetworkPolicy): Part<OidcConfig | undefined> {
  return part((env, report) => {
    if (HELP.every(({ name }) => env[name] === undefined)) return undefined;
    if (env.OIDC_ISSUER === undefined) {
      report('OIDC_ISSUER', 'is required beside the other variables OIDC_…');
      return z.NEVER;
    }
    return {
      issuer: readIssuer({ env, defaultPolicy }, report),
      clientId: parseVariable('OIDC_CLIENT_ID', text, env, report),
      clientSecret: parseVariable('OIDC_CLIENT_SECRET', clientSecret, env, report),
      scopes: parseVariable('OIDC_SCOPES', scopes, env, report),
      userClaim: parseVariable('OIDC_USER_CLAIM', text.default('sub'), env, report),
      admin: readAdmin(env, report),
    };
  }, HELP);
}

function readIssuer(context: { env: Environment; defaultPolicy: NetworkPolicy }, report: Report): string {
  // OpenID Connect Discovery §4: an issuer has no query.
  if (context.env.OIDC_ISSUER?.includes('?')) report('OIDC_ISSUER', 'must not have a query');
  return readOutboundAddress('OIDC_ISSUER', context, report);
}

function readAdmin(env: Environment, report: Report): OidcConfig['admin'] {
  if (env.OIDC_ADMIN_CLAIM === undefined && env.OIDC_ADMIN_VALUE === undefined) return undefined;
  return {
    claim: parseVariable('OIDC_ADMIN_CLAIM', text, env, report),
    value: parseVariable('OIDC_ADMIN_VALUE', text, env, report),
  };
}
