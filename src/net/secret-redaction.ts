import { finish } from '../async/finish.ts';
import { PIECE_CHARACTERS } from '../contracts/json-string.ts';
import { redactValue } from './redact-value.ts';
import { createFormSearch, type FormSearch } from './search-forms.ts';
import { formsOf, headsOf, maxFormLength } from './secret-forms.ts';

/**
 * Finds the secrets of one request in the texts of its answer by their value, and replaces them. Some servers quote the
 * secrets that they were sent, and their texts go to Temporal's history, to HTTP answers and to logs.
 */
export interface SecretRedaction {
  /** Adds secrets of the same request, such as a token that was renewed meanwhile. */
  add(...secrets: (string | undefined)[]): void;
  /** Whether the text quotes a secret in a known encoding. */
  isQuotedIn(text: string): boolean;
  /** Like `isQuotedIn`, for host names, whose case a parser may have changed. */
  isQuotedInAnyCase(text: string): boolean;
  /** Returns the text with `[redacted]` in place of each secret. */
  inText(text: string): string;
  /** Returns the beginning of a text of any length, redacted before it is cut, so that no part of a secret is left. */
  inBeginning(text: string, maxLength: number): string;
  /** Like `inText`, for a text of any length: yields after each piece. */
  inTextInPieces(text: string): Generator<void, string>;
  /** Redacts every text in a JSON value of any depth in place, including the names of members. */
  inValue<T>(value: T): T;
  /** Like `inValue`, for a value of any size: yields after each piece. */
  inValueInPieces<T>(value: T): Generator<void, T>;
  /** Returns the scopes that quote no secret. A secret that contains a space spans several scopes. */
  inScopes(scopes: readonly string[]): string[];
}

export const REDACTED = '[redacted]';
/** A shorter secret is not redacted: it would occur in too many words. */
export const MIN_SECRET_LENGTH = 6;

export function createSecretRedaction(...secrets: (string | undefined)[]): SecretRedaction {
  const known = new Set<string>();
  const allForms = () => [...new Set([...known].flatMap(formsOf).filter(isLongEnough))];
  let search = searchFor(known, allForms);
  const isUnknown = (secret: string) => isLongEnough(secret) && !known.has(secret);

  function add(...more: (string | undefined)[]): void {
    const fresh = more.filter((secret) => secret !== undefined).filter(isUnknown);
    if (fresh.length === 0) return;
    for (const secret of fresh) known.add(secret);
    search = searchFor(known, allForms);
  }

  const isQuotedIn = (text: string) => text.length >= MIN_SECRET_LENGTH && search.isIn(text);
  const inShortText = (text: string) => (isQuotedIn(text) ? finish(redactLongText(text, search)) : text);

  // A number is redacted only if all of it is a secret, such as a password of digits.
  const inNumber = (number: number) => (inShortText(String(number)) === REDACTED ? REDACTED : number);

  function* inTextInPieces(text: string): Generator<void, string> {
    if (text.length <= PIECE_CHARACTERS) return inShortText(text);
    return yield* redactLongText(text, search);
  }

  function* inValueInPieces<T>(value: T): Generator<void, T> {
    return known.size === 0 ? value : yield* redactValue(value, { inShortText, inTextInPieces, inNumber });
  }

  const inText = (text: string) => finish(inTextInPieces(text));

  function inBeginning(text: string, maxLength: number): string {
    if (text.length <= PIECE_CHARACTERS) return inText(text).slice(0, maxLength);
    const redacted = inText(text.slice(0, PIECE_CHARACTERS));
    // The end may be the first part of a secret.
    return redacted.slice(0, Math.max(0, redacted.length - search.longest)).slice(0, maxLength);
  }

  add(...secrets);
  return {
    add,
    isQuotedIn,
    isQuotedInAnyCase(text) {
      const lower = text.toLowerCase();
      return allForms().some((form) => lower.includes(form.toLowerCase()));
    },
    inText,
    inBeginning,
    inTextInPieces,
    inValue: (value) => finish(inValueInPieces(value)),
    inValueInPieces,
    inScopes: (scopes) =>
      inText(scopes.join(' '))
        .split(' ')
        .filter((scope) => scope !== '' && !scope.includes(REDACTED)),
  };
}

function searchFor(secrets: ReadonlySet<string>, all: () => string[]): FormSearch {
  return createFormSearch({
    heads: [...secrets].flatMap(headsOf).filter((head) => head.length >= MIN_SECRET_LENGTH),
    longest: Math.max(0, ...Array.from(secrets, maxFormLength)),
    all,
  });
}

/** Returns the parts of a URL that may be secret: user, password, and the query's values (also `?…` without a name). */
export function secretsInUrl(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { username, password, search, searchParams } = new URL(url);
  const values = [...searchParams].map(([name, value]) => (value === '' ? name : value));
  // Also the values as they are written: a server quotes a URL with needless escapes as it was sent.
  const written = search
    .slice(1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1));
  return [username, password, ...values, ...written];
}

/**
 * Redacts a long text piece by piece, with the result of one replacement in the whole text. Each piece is searched
 * together with enough of the next one to hold a form that begins in this piece.
 */
function* redactLongText(text: string, search: FormSearch): Generator<void, string> {
  let redacted = '';
  let redactedUpTo = 0;
  for (let at = 0; at < text.length; ) {
    for (const { index, length } of search.findIn(text.slice(at, at + PIECE_CHARACTERS + search.longest))) {
      if (index >= PIECE_CHARACTERS) break;
      redacted += text.slice(redactedUpTo, at + index) + REDACTED;
      redactedUpTo = at + index + length;
    }
    at = Math.max(at + PIECE_CHARACTERS, redactedUpTo);
    yield;
  }
  return redactedUpTo === 0 ? text : redacted + text.slice(redactedUpTo);
}

function isLongEnough(secret: string): boolean {
  return secret.trim().length >= MIN_SECRET_LENGTH;
}
