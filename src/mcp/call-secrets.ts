import { createSecretRedaction, type SecretRedaction, secretsInUrl } from '../net/secret-redaction.ts';
import type { CallToolOutcome, ListToolsOutcome, McpTarget, ToolCall } from './port.ts';
import type { ServerLimits } from './server-limits.ts';

/** Registered headers that describe the request and authorize nothing. RFC 9110 §12.5, §8.3; RFC 9111 §5.2. */
const HARMLESS = new Set([
  ...['accept', 'accept-charset', 'accept-encoding', 'accept-language'],
  ...['cache-control', 'content-type', 'mcp-protocol-version', 'pragma'],
]);

/**
 * The secrets that a server is sent with a call: the token, the registered headers, because any of them may be secret,
 * and the values of the URL's query.
 */
export function callSecrets(target: Pick<McpTarget, 'bearerToken' | 'headers' | 'url'>): SecretRedaction {
  const { bearerToken, headers, url } = target;
  return createSecretRedaction(
    bearerToken,
    ...secretsInUrl(url),
    ...Object.entries(headers).flatMap(secretsInHeader),
  );
}

/** Returns the target with a `freshToken` that adds the tokens it fetches to the secrets of the call. */
export function noticingFreshToken(target: McpTarget, secrets: SecretRedaction): McpTarget {
  const { freshToken } = target;
  if (freshToken === undefined) return target;
  return {
    ...target,
    async freshToken() {
      const fresh = await freshToken();
      secrets.add(fresh?.bearerToken);
      return fresh;
    },
  };
}

/**
 * Redacts the secrets of the call in an outcome, because each of its texts came from the server or may quote it. Leaves
 * out scopes that quote a secret. Yields between pieces, because an outcome may be large.
 */
export function* withoutSecrets<T extends CallToolOutcome | ListToolsOutcome>(
  outcome: T,
  secrets: SecretRedaction,
): Generator<void, T> {
  if (outcome.kind !== 'insufficient-scope') return yield* secrets.inValueInPieces(outcome);
  return { ...outcome, challengedScopes: secrets.inScopes(outcome.challengedScopes) };
}

/** The same for progress, which is reported while the call runs. Its messages are cut after that. */
export function callWithoutSecrets(
  call: ToolCall,
  secrets: SecretRedaction,
  { progressMessageLength }: Pick<ServerLimits, 'progressMessageLength'>,
): ToolCall {
  const { onProgress } = call;
  if (onProgress === undefined) return call;
  return {
    ...call,
    onProgress: ({ message, ...numbers }) =>
      onProgress({
        ...secrets.inValue(numbers),
        ...(message !== undefined && { message: secrets.inBeginning(message, progressMessageLength) }),
      }),
  };
}

function secretsInHeader([name, value]: [string, string]): string[] {
  if (HARMLESS.has(name.toLowerCase())) return [];
  return [value, value.trim(), ...credentialsIn(value.trim()), ...partsOfHeader(value)];
}

/** A shorter part may be a word, such as the name of an algorithm. The whole value is redacted anyway. */
const MIN_PART_LENGTH = 8;

/** The values of cookies and parameters, and what follows a name and a colon. RFC 6265 §4.2.1, RFC 9110 §5.6.6. */
function partsOfHeader(value: string): string[] {
  const parts = value
    .split(/[;,]/)
    .flatMap((part) => [/=(.*)$/s, /:(?!\/\/)(.*)$/s].map((after) => after.exec(part)));
  return parts
    .map((found) => found?.[1]?.trim().replace(/^"|"$/g, '') ?? '')
    .filter((part) => part.length >= MIN_PART_LENGTH);
}

/** The part after the scheme, as in `Basic dXNlcjpwYXNz`, and the password in it. RFC 7617 §2. */
function credentialsIn(value: string): string[] {
  const [, scheme = '', credentials = ''] = /^([A-Za-z]+) +(\S.*)$/.exec(value) ?? [];
  if (scheme.toLowerCase() !== 'basic') return [credentials];
  const decoded = Buffer.from(credentials, 'base64').toString();
  return [credentials, decoded, decoded.slice(decoded.indexOf(':') + 1)];
}
