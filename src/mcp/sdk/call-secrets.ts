import { createSecretRedaction, type SecretRedaction, secretsInUrl } from '../../net/secret-redaction.ts';
import type { McpTarget } from '../port.ts';

/** Registered headers that say what is asked for, and authorize nothing. RFC 9110 §12.5, §8.3; RFC 9111 §5.2. */
const HARMLESS = new Set([
  ...['accept', 'accept-charset', 'accept-encoding', 'accept-language'],
  ...['cache-control', 'content-type', 'mcp-protocol-version', 'pragma'],
]);

/**
 * The secrets that a server is sent with a call: the token, the registered headers (which of them are secret is not
 * known), and the values of the address's query.
 */
export function callSecrets(target: Pick<McpTarget, 'bearerToken' | 'headers' | 'url'>): SecretRedaction {
  const { bearerToken, headers, url } = target;
  return createSecretRedaction(
    bearerToken,
    ...secretsInUrl(url),
    ...Object.entries(headers).flatMap(secretsInHeader),
  );
}

/** As the target, but a token that is fetched beside the call's own is a secret of the call as well. */
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

function secretsInHeader([name, value]: [string, string]): string[] {
  return HARMLESS.has(name.toLowerCase()) ? [] : [value, value.trim(), ...credentialsIn(value.trim())];
}

/** What follows the scheme in `Basic dXNlcjpwYXNz`, and the password in that. RFC 7617 §2. */
function credentialsIn(value: string): string[] {
  const [, scheme = '', credentials = ''] = /^([A-Za-z]+) +(\S.*)$/.exec(value) ?? [];
  if (scheme.toLowerCase() !== 'basic') return [credentials];
  const decoded = Buffer.from(credentials, 'base64').toString();
  return [credentials, decoded, decoded.slice(decoded.indexOf(':') + 1)];
}
