import type { SecretRedaction } from '../../net/secret-redaction.ts';

/** Characters, as JavaScript and JSON Schema count them. */
const MAX_LENGTH = 2_000;
/** The most characters that are processed; the rest would be cut off in the end. */
const MAX_READ = 100_000;

/**
 * Prepares a server's own text for display: shortened, without control characters, and without the secrets that the
 * server was sent in this call, which some servers quote. Returns undefined if nothing is left.
 */
export function* serverMessage(
  message: string | undefined,
  secrets: SecretRedaction,
): Generator<void, string | undefined> {
  if (message === undefined) return undefined;
  // Redacts before the cut, which would leave part of a secret, and again after removing characters that may have
  // split one.
  const redacted = yield* secrets.inTextInPieces(message);
  const text = redacted
    .slice(0, MAX_READ)
    .replace(/\r\n?/g, '\n')
    // Also removes lone surrogates, which are not text.
    .replace(/[^\P{Cc}\n\t]|\p{Cs}/gu, '');
  const cut = withoutPartOfAPair(secrets.inText(text).slice(0, MAX_LENGTH)).trim();
  return cut === '' ? undefined : cut;
}

function withoutPartOfAPair(text: string): string {
  return text.replace(/\p{Cs}$/u, '');
}
