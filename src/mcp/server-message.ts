import type { SecretRedaction } from '../net/secret-redaction.ts';

/** Characters, in the count of JavaScript and of JSON Schema alike. */
const MAX_LENGTH = 2_000;
/** Of what a server says; the rest would be cut off in the end. */
const MAX_READ = 100_000;

/**
 * What a server said, fit to be shown as the server's: short, without control characters, and without the
 * secrets that it was sent in this call, which some servers quote. Undefined where nothing is left. In steps.
 */
export function* serverMessage(
  words: string | undefined,
  secrets: SecretRedaction,
): Generator<void, string | undefined> {
  if (words === undefined) return undefined;
  // Before the cut, which would leave a part of a secret, and again without what may have broken one up.
  const shown = yield* secrets.inTextInSteps(words);
  const text = shown
    .slice(0, MAX_READ)
    .replace(/\r\n?/g, '\n')
    // Lone surrogates too: they are no text.
    .replace(/[^\P{Cc}\n\t]|\p{Cs}/gu, '');
  const cut = withoutPartOfAPair(secrets.inText(text).slice(0, MAX_LENGTH)).trim();
  return cut === '' ? undefined : cut;
}

function withoutPartOfAPair(text: string): string {
  return text.replace(/\p{Cs}$/u, '');
}
