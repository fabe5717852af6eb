import { z } from 'zod';
import { IDLE_LIMIT_MS, parseDuration } from '../contracts/durations.ts';
import { BESIDE_OTHER_PROBLEMS } from './field-message.ts';
import { identifyingUrl, plainUrl } from './plain-url.ts';
import { privateKeySchema } from './private-key.ts';
import { isWithoutControl, scopesSchema } from './text.ts';
import { TOKEN_ENDPOINT_AUTH_METHODS } from './token-endpoint-auth-method.ts';

export const httpUrl = plainUrl(/^https?:/i);
// RFC 8414 §2. An issuer is stored and shown in clear, and a query may hold secrets.
const issuerUrl = httpUrl.refine((url) => !url.includes('?'), 'must have no query');

const idleLimitSchema = z
  .string()
  .max(64)
  .superRefine((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) context.addIssue({ code: 'custom', message: 'must be a duration such as 30 days' });
    else if (ms < IDLE_LIMIT_MS.min || ms > IDLE_LIMIT_MS.max)
      context.addIssue({ code: 'custom', message: 'must be between 1 hour and 365 days' });
  });

/**
 * Parameters of an authorization request that Latchkey itself sets, and those that would replace or move the request
 * (RFC 9101 `request`, `request_uri`) or its response (`response_mode`).
 */
const SET_BY_PROTOCOL = [
  ...['client_id', 'client_secret', 'redirect_uri', 'response_type', 'response_mode', 'state', 'scope'],
  ...['resource', 'code_challenge', 'code_challenge_method', 'nonce', 'login_hint', 'request', 'request_uri'],
];
const MAX_AUTHORIZATION_PARAMS = 20;

const authorizationParamsSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/, 'must be the name of a parameter')
      .refine((name) => !SET_BY_PROTOCOL.includes(name.toLowerCase()), 'is set by Latchkey itself'),
    z.string().max(1_024).refine(isWithoutControl, 'must not contain control characters'),
  )
  .refine(
    (params) => Object.keys(params).length <= MAX_AUTHORIZATION_PARAMS,
    `must have at most ${MAX_AUTHORIZATION_PARAMS} parameters`,
  );

/** The `auth` of a server whose users connect by OAuth. */
export const oauth2Schema = z
  .strictObject({
    type: z.literal('oauth2'),
    clientId: z.string().min(1).max(255).optional(),
    clientSecret: z.string().min(1).max(4096).optional(),
    /** The client's key for `private_key_jwt`. */
    privateKey: privateKeySchema.optional(),
    /** How the client authenticates at the token endpoint; if absent, it is discovered. */
    tokenEndpointAuthMethod: z.enum(TOKEN_ENDPOINT_AUTH_METHODS).optional(),
    scopes: scopesSchema.optional(),
    authorizationServer: issuerUrl.optional(),
    /** Replace what the authorization server's metadata say, which may be missing. */
    authorizationEndpoint: httpUrl.optional(),
    tokenEndpoint: httpUrl.optional(),
    revocationEndpoint: httpUrl.optional(),
    /** Sent with every authorization request beside the protocol's own parameters. */
    authorizationParams: authorizationParamsSchema.optional(),
    /** RFC 8707. Sent byte for byte, or left out; if absent, it is discovered. */
    resource: identifyingUrl('must be a URI, or "omit"').or(z.literal('omit')).optional(),
    /** The authorization server expires a refresh token that has not been used for this long. */
    idleLimit: idleLimitSchema.optional(),
  })
  .superRefine(({ clientId, clientSecret, privateKey, tokenEndpointAuthMethod: method }, context) => {
    const addIssue = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (clientId === undefined) {
      if (clientSecret !== undefined) addIssue('clientId', 'is required with clientSecret');
      if (privateKey !== undefined) addIssue('clientId', 'is required with privateKey');
    }
    const needsSecret = method === 'client_secret_basic' || method === 'client_secret_post';
    if (needsSecret && clientId !== undefined && clientSecret === undefined) {
      addIssue('clientSecret', 'is required with this tokenEndpointAuthMethod');
    }
    if (method === 'private_key_jwt' && privateKey === undefined) {
      addIssue('privateKey', 'is required with this tokenEndpointAuthMethod');
    }
    if (privateKey !== undefined && method !== undefined && method !== 'private_key_jwt') {
      addIssue('tokenEndpointAuthMethod', 'must be private_key_jwt with privateKey');
    }
  }, BESIDE_OTHER_PROBLEMS);
