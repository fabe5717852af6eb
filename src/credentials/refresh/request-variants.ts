/**
 * In which other form a refused refresh is sent once more, at once and under the same lease: without an optional
 * parameter that the endpoint may not take, or with the client authenticated otherwise. Each form is tried once, so
 * there are few. What works is remembered in the credential's row.
 */
import { otherAuthMethods, type TokenEndpointAuthMethod } from '../../oauth/client-authentication.ts';
import type { OptionalParameter, RefreshGrantRequest } from '../../oauth/refresh-grant.ts';
import type { LearnedOfEndpoint } from '../credential.ts';
import type { JudgedRefusal } from './token-endpoint-errors.ts';

type PlannedRequest = Omit<RefreshGrantRequest, 'beforeFirstByte'>;

/** How a request differs from the one that was planned. */
export interface Variant {
  omitted: readonly OptionalParameter[];
  authMethod?: TokenEndpointAuthMethod;
  /** What the method was changed for was no clear word on the client: a parameter may have been meant. */
  isGuess?: true;
}

export const AS_PLANNED: Variant = { omitted: [] };

export interface VariedRequest {
  request: PlannedRequest;
  /** The method was said by the deposit or the registration: there is no other to try. */
  isMethodSaid: boolean;
  learned: LearnedOfEndpoint;
}

/** The form to send next after `tried`, the last of which was refused; undefined: there is none that could help. */
export function nextVariant(
  planned: VariedRequest,
  tried: readonly Variant[],
  refusal: JudgedRefusal,
): Variant | undefined {
  const last = tried.at(-1) ?? AS_PLANNED;
  const candidates = [...withoutParameters(planned, last, refusal), ...otherwise(planned, tried, refusal)];
  return candidates.find((one) => !tried.some((other) => isSame(one, other)));
}

export function requestOf({ request }: VariedRequest, { omitted, authMethod }: Variant): PlannedRequest {
  const { scopes, resource, ...rest } = request;
  return {
    ...rest,
    ...(scopes !== undefined && !omitted.includes('scope') && { scopes }),
    ...(resource !== undefined && !omitted.includes('resource') && { resource }),
    ...(authMethod !== undefined && { tokenEndpointAuthMethod: authMethod }),
  };
}

/** What is to be remembered once the endpoint has given tokens for this form. */
export function learnedBy(
  { request, isMethodSaid, learned }: VariedRequest,
  variant: Variant,
): LearnedOfEndpoint {
  const method = variant.authMethod ?? request.tokenEndpointAuthMethod;
  const isAssumed = !isMethodSaid && request.clientSecret !== undefined;
  return {
    omittedParameters: [...learned.omittedParameters, ...variant.omitted],
    ...(isAssumed && method !== undefined && { authMethod: method }),
  };
}

/** What each word says no to. RFC 6749 §5.2, RFC 8707 §2. */
const BLAMED: Record<string, readonly OptionalParameter[]> = {
  invalid_scope: ['scope'],
  invalid_target: ['resource'],
  invalid_resource: ['resource'],
};

function withoutParameters(
  planned: VariedRequest,
  last: Variant,
  { kind, word = '' }: JudgedRefusal,
): Variant[] {
  if (kind !== 'parameter-refused') return [];
  const blamed = BLAMED[word];
  // The parameters were tried before the method was. Every form with either method would be too many, and some servers
  // spend the token on a request that they refuse.
  if (blamed === undefined && last.isGuess) return [];
  const carried = carriedBy(planned.request);
  const sets =
    blamed === undefined
      ? // It may mean either: the one is left out, then the other, then both.
        [...carried.map((one) => [one]), carried]
      : [carried.filter((one) => last.omitted.includes(one) || blamed.includes(one))];
  return sets.filter((omitted) => omitted.length > 0).map((omitted) => ({ ...last, omitted }));
}

function carriedBy({ scopes, resource }: PlannedRequest): OptionalParameter[] {
  return [
    ...(scopes === undefined ? [] : ['scope' as const]),
    ...(resource === undefined ? [] : ['resource' as const]),
  ];
}

// `invalid_request` too: an endpoint that looks for the client in the body alone misses its `client_id`. That is how
// servers made with the official MCP SDK answer Basic.
function otherwise(
  { request, isMethodSaid }: VariedRequest,
  tried: readonly Variant[],
  { kind, word }: JudgedRefusal,
): Variant[] {
  const isOfClient = kind === 'client-refused';
  const mayBeMethod = isOfClient || (kind === 'parameter-refused' && word === 'invalid_request');
  if (!mayBeMethod || isMethodSaid || request.clientSecret === undefined) return [];
  // Perhaps the parameters were never at fault.
  const omitted = isOfClient ? (tried.at(-1) ?? AS_PLANNED).omitted : [];
  return otherAuthMethods(request.tokenEndpointAuthMethod ?? 'client_secret_basic')
    .filter((method) => !tried.some(({ authMethod }) => authMethod === method))
    .map((authMethod) => ({ omitted, authMethod, ...(!isOfClient && { isGuess: true }) }));
}

function isSame(one: Variant, other: Variant): boolean {
  return one.authMethod === other.authMethod && String(one.omitted) === String(other.omitted);
}
