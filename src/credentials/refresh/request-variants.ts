/**
 * The forms in which a refused refresh is sent again, at once and under the same lease: without an optional parameter
 * that the endpoint may not accept, or with another method of client authentication. Each form is tried once, so there
 * are few. The form that works is stored in the credential's row.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2, https://www.rfc-editor.org/rfc/rfc8707#section-2
 */
import { type KeylessAuthMethod, otherAuthMethods } from '../../oauth/client-authentication.ts';
import type { OptionalParameter, RefreshGrantRequest } from '../../oauth/refresh-grant.ts';
import type { LearnedOfEndpoint } from '../credential.ts';
import type { JudgedRefusal } from './judge-refusal.ts';

type PlannedRequest = Omit<RefreshGrantRequest, 'beforeFirstByte'>;

/** How a request differs from the planned one. */
export interface Variant {
  omitted: readonly OptionalParameter[];
  authMethod?: KeylessAuthMethod;
  /** The refusal did not clearly blame the client: it may have meant a parameter. */
  isGuess?: true;
}

export const AS_PLANNED: Variant = { omitted: [] };

export interface VariedRequest {
  request: PlannedRequest;
  /** The deposit or the registration states the method, so no other one is tried. */
  isMethodStated: boolean;
  learned: LearnedOfEndpoint;
}

/** Returns the form to send next, after the last of `tried` was refused. Undefined: no other form could help. */
export function nextVariant(
  planned: VariedRequest,
  tried: readonly Variant[],
  refusal: JudgedRefusal,
): Variant | undefined {
  const last = tried.at(-1) ?? AS_PLANNED;
  const candidates = [
    ...withoutParameters(planned, last, refusal),
    ...withOtherAuthMethod(planned, tried, refusal),
  ];
  return candidates.find((one) => !tried.some((other) => isSame(one, other)));
}

export function variedRequest({ request }: VariedRequest, { omitted, authMethod }: Variant): PlannedRequest {
  const { scopes, resource, ...rest } = request;
  return {
    ...rest,
    ...(scopes !== undefined && !omitted.includes('scope') && { scopes }),
    ...(resource !== undefined && !omitted.includes('resource') && { resource }),
    ...(authMethod !== undefined && { tokenEndpointAuthMethod: authMethod }),
  };
}

/** For the log: `asked once more without scope`. */
export function describeVariant({ omitted, authMethod }: Variant): string {
  const forms = [
    ...omitted.map((parameter) => `without ${parameter}`),
    ...(authMethod === undefined ? [] : [`with ${authMethod}`]),
  ];
  return `asked once more ${forms.join(', ')}`;
}

/** What the row stores once the endpoint has issued tokens for this form. */
export function learnedFrom(
  { request, isMethodStated, learned }: VariedRequest,
  variant: Variant,
): LearnedOfEndpoint {
  const method = variant.authMethod ?? request.tokenEndpointAuthMethod;
  const isAssumed = !isMethodStated && request.clientSecret !== undefined && method !== 'private_key_jwt';
  return {
    omittedParameters: [...learned.omittedParameters, ...variant.omitted],
    ...(isAssumed && method !== undefined && { authMethod: method }),
  };
}

/** The parameters that an error code blames. RFC 6749 §5.2, RFC 8707 §2. */
const BLAMED_PARAMETERS: Record<string, readonly OptionalParameter[]> = {
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
  const blamed = BLAMED_PARAMETERS[word];
  // The parameters were tried before the method was. Every form with both methods would be too many requests, and some
  // servers spend the token on a request that they refuse.
  if (blamed === undefined && last.isGuess) return [];
  const sent = sentParameters(planned.request);
  const sets =
    blamed === undefined
      ? // The code may blame either: each is left out by itself, then both.
        [...sent.map((one) => [one]), sent]
      : [sent.filter((one) => last.omitted.includes(one) || blamed.includes(one))];
  return sets.filter((omitted) => omitted.length > 0).map((omitted) => ({ ...last, omitted }));
}

function sentParameters({ scopes, resource }: PlannedRequest): OptionalParameter[] {
  return [
    ...(scopes === undefined ? [] : ['scope' as const]),
    ...(resource === undefined ? [] : ['resource' as const]),
  ];
}

// `invalid_request` too: an endpoint that reads the client from the body alone misses `client_id`. Servers that are
// built with the official MCP SDK answer Basic in this way.
function withOtherAuthMethod(
  { request, isMethodStated }: VariedRequest,
  tried: readonly Variant[],
  { kind, word }: JudgedRefusal,
): Variant[] {
  const isClientBlamed = kind === 'client-refused';
  const mayBeMethod = isClientBlamed || (kind === 'parameter-refused' && word === 'invalid_request');
  if (!mayBeMethod || isMethodStated || request.clientSecret === undefined) return [];
  // Unless the client is blamed, the planned parameters are sent again: the method may have been the only fault.
  const omitted = isClientBlamed ? (tried.at(-1) ?? AS_PLANNED).omitted : [];
  return otherAuthMethods(request.tokenEndpointAuthMethod ?? 'client_secret_basic')
    .filter((method) => !tried.some(({ authMethod }) => authMethod === method))
    .map((authMethod) => ({ omitted, authMethod, ...(!isClientBlamed && { isGuess: true }) }));
}

function isSame(one: Variant, other: Variant): boolean {
  return one.authMethod === other.authMethod && String(one.omitted) === String(other.omitted);
}
