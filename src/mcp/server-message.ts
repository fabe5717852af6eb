import type { McpTarget } from './mcp-port.ts';

/** Characters, in the count of JavaScript and of JSON Schema alike. */
const MAX_LENGTH = 2_000;
/** Of what a server says; the rest would be cut off in the end. */
const MAX_READ = 100_000;
const REDACTED = '[redacted]';
/** A shorter registered header is hardly a secret, and a word like `en` stands in many a sentence. */
const SHORTEST_SECRET_HEADER = 6;

/**
 * What a server said, fit to be shown as the server's: short, without control characters, and without the
 * secrets that it was sent in this call, which some servers quote. Undefined where nothing is left.
 */
export function serverMessage(words: string | undefined, target: McpTarget): string | undefined {
  if (words === undefined) return undefined;
  const text = words
    .slice(0, MAX_READ)
    .replace(/\r\n?/g, '\n')
    // Lone surrogates too: they are no text.
    .replace(/[^\P{Cc}\n\t]|\p{Cs}/gu, '');
  const cut = withoutPartOfAPair(withoutSecrets(text, target).slice(0, MAX_LENGTH)).trim();
  return cut === '' ? undefined : cut;
}

function withoutPartOfAPair(text: string): string {
  return text.replace(/\p{Cs}$/u, '');
}

function withoutSecrets(text: string, target: McpTarget): string {
  // The longest first, so that no part of one is left over from another.
  const forms = [...new Set(secretsOf(target).flatMap(formsOf))].sort((a, b) => b.length - a.length);
  return forms.reduce((rest, form) => rest.replaceAll(form, REDACTED), text);
}

// Registered headers are shown to nobody; which of them are secret is not known.
function secretsOf({ bearerToken, headers }: McpTarget): string[] {
  const values = Object.values(headers).flatMap((value) => [value, ...credentialsIn(value)]);
  const secrets = values.filter((value) => value.length >= SHORTEST_SECRET_HEADER);
  return bearerToken === undefined || bearerToken === '' ? secrets : [bearerToken, ...secrets];
}

/** What follows the scheme in `Basic dXNlcjpwYXNz`, and the password in that. RFC 7617 §2. */
function credentialsIn(value: string): string[] {
  const [, scheme = '', credentials = ''] = /^([A-Za-z]+) +(\S.*)$/.exec(value) ?? [];
  if (scheme.toLowerCase() !== 'basic') return [credentials];
  const decoded = Buffer.from(credentials, 'base64').toString();
  return [credentials, decoded, decoded.slice(decoded.indexOf(':') + 1)];
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    base64,
    bytes.toString('base64url'),
  ];
}
