import { PIECE_CHARACTERS } from '../contracts/json-string.ts';
import { redactValue } from './redact-value.ts';

/**
 * What is done with the secrets of one request in the texts that come back: they are replaced by value. Texts of
 * servers go to Temporal's history, to HTTP answers and to logs, and some servers quote what they were sent.
 */
export interface SecretRedaction {
  /** Another secret of the same request, such as a token that was renewed meanwhile. */
  add(...secrets: (string | undefined)[]): void;
  /** Whether the text quotes a secret, in any form that is looked for. */
  isQuotedIn(text: string): boolean;
  /** As `isQuotedIn`, for texts whose case a parser may have changed: host names. */
  isQuotedInAnyCase(text: string): boolean;
  /** The text with `[redacted]` in the place of each secret. */
  inText(text: string): string;
  /** The same in steps: for texts of any length. */
  inTextInPieces(text: string): Generator<void, string>;
  /** The same in steps, for a text of any length. */
  inTextInPieces(text: string): Generator<void, string>;
  /** The same for every text in a JSON value of any depth, names of members included. Changes the value in place. */
  inValue<T>(value: T): T;
  /** The same in steps, for a value of any size. */
  inValueInPieces<T>(value: T): Generator<void, T>;
  /** The same in steps: for values of any size. */
  inValueInPieces<T>(value: T): Generator<void, T>;
  /** The scopes without those that quote a secret. A secret with a space in it spans several. */
  inScopes(scopes: readonly string[]): string[];
}

export const REDACTED = '[redacted]';
/** A shorter secret stands in too many words, and protects nothing. */
export const SHORTEST_SECRET = 6;

export function createSecretRedaction(...secrets: (string | undefined)[]): SecretRedaction {
  const known = new Set<string>();
  let forms: string[] = [];
  let anyForm = NEVER;

  function add(...more: (string | undefined)[]): void {
    const fresh = more.filter((secret) => secret !== undefined && isLongEnough(secret) && !known.has(secret));
    if (fresh.length === 0) return;
    for (const secret of fresh) if (secret !== undefined) known.add(secret);
    // The longest first, so that no part of one is left over from another.
    forms = [...new Set([...known].flatMap(formsOf))].sort((a, b) => b.length - a.length);
    anyForm = new RegExp(forms.map(escaped).join('|'), 'g');
  }

  const isQuotedIn = (text: string) => text.length >= SHORTEST_SECRET && text.search(anyForm) !== -1;
  const inShortText = (text: string) => (isQuotedIn(text) ? text.replace(anyForm, REDACTED) : text);

  // A number is a secret only as a whole: a password of digits.
  const inNumber = (number: number) => (inShortText(String(number)) === REDACTED ? REDACTED : number);

  function* inTextInPieces(text: string): Generator<void, string> {
    if (text.length <= PIECE_CHARACTERS) return inShortText(text);
    return yield* redactLongText(text, anyForm, forms[0]?.length ?? 0);
  }

  function* inValueInPieces<T>(value: T): Generator<void, T> {
    return forms.length === 0 ? value : yield* redactValue(value, { inShortText, inTextInPieces, inNumber });
  }

  const inText = (text: string) => finish(inTextInPieces(text));

  add(...secrets);
  return {
    add,
    isQuotedIn,
    isQuotedInAnyCase(text) {
      const lower = text.toLowerCase();
      return forms.some((form) => lower.includes(form.toLowerCase()));
    },
    inText,
    inTextInPieces,
    inValue: (value) => finish(inValueInPieces(value)),
    inValueInPieces,
    inScopes: (scopes) =>
      inText(scopes.join(' '))
        .split(' ')
        .filter((scope) => scope !== '' && !scope.includes(REDACTED)),
  };
}

/** What may be secret in an address: a password, and each value of its query (`?key=…`, and `?…` without a name). */
export function secretsInUrl(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { username, password, search, searchParams } = new URL(url);
  const values = [...searchParams].map(([name, value]) => (value === '' ? name : value));
  // As they are written too: what encodes more than it has to is quoted as it was sent.
  const written = search
    .slice(1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1));
  return [username, password, ...values, ...written];
}

const NEVER = /(?!)/g;

function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Piece by piece, with the result of one replacement in the whole. Each piece is looked at together with what follows
 * it, so far that a form which begins in the piece is seen as a whole.
 */
function* redactLongText(text: string, anyForm: RegExp, longestForm: number): Generator<void, string> {
  let shown = '';
  let shownUpTo = 0;
  for (let at = 0; at < text.length; ) {
    for (const match of text.slice(at, at + PIECE_CHARACTERS + longestForm).matchAll(anyForm)) {
      if (match.index >= PIECE_CHARACTERS) break;
      shown += text.slice(shownUpTo, at + match.index) + REDACTED;
      shownUpTo = at + match.index + match[0].length;
    }
    at = Math.max(at + PIECE_CHARACTERS, shownUpTo);
    yield;
  }
  return shownUpTo === 0 ? text : shown + text.slice(shownUpTo);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function isLongEnough(secret: string): boolean {
  return secret.trim().length >= SHORTEST_SECRET;
}

/** The forms that one step of encoding gives a secret: so servers quote what they were sent. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Without lone surrogates, which no URL can hold.
  const text = bytes.toString();
  const percent = encodeURIComponent(text);
  const hex = bytes.toString('hex');
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    percent.replace(/%../g, (byte) => byte.toLowerCase()),
    // A path keeps what a query has to encode.
    encodeURI(text),
    new URLSearchParams({ '': text }).toString().slice(1),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
  ];
  return forms.filter(isLongEnough);
}

// The bytes before and behind it share a character with its first and last ones: those are left out.
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((shifted.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => shifted.toString(encoding).slice(from, to));
  });
}
