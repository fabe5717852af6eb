/**
 * Looks up the words of a refusal in `known-refusals.ts`, and picks the one that the operator's log may show. What each
 * kind of refusal leads to is in `token-endpoint-errors.ts`.
 */
import { createSecretRedaction } from '../../net/secret-redaction.ts';
import type { Refusal } from '../../oauth/refusal.ts';
import { KNOWN_DESCRIPTIONS, KNOWN_FAMILIES, KNOWN_WORDS, type RefusalKind } from './known-refusals.ts';

const KINDS = new Map(KNOWN_WORDS.flatMap(({ kind, words }) => words.map((word) => [word, kind] as const)));

/** Words of these kinds count in any member of the answer and in any spelling. */
const COUNTS_ANYWHERE: readonly RefusalKind[] = ['dead-grant', 'person-needed', 'transient'];
/**
 * Frameworks send these codes for any request that fails, so a word for a dead grant or a person beside them decides.
 */
const UNSPECIFIC_CODES = ['invalid_request', 'invalid_scope', 'invalid_target', 'unauthorized_client'];

export interface JudgedRefusal {
  kind: RefusalKind;
  /** The word that decided, as the table writes it. */
  word?: string;
}

/**
 * Finds out what a refusal means. Words for the client, a parameter or the configuration can end steps, so they count
 * only as RFC 6749 writes them and where it puts them: frameworks put "Invalid request" into the message of any
 * failure.
 */
export function judgeRefusal({ words, codes, texts }: Refusal): JudgedRefusal {
  const known = words.flatMap((word) => lookUp(word, codes));
  const first = known[0];
  const word = first?.word ?? normalize(words[0] ?? '');
  const sentences = texts.map(toSentence);
  const described = KNOWN_DESCRIPTIONS.find(
    ({ words: codesBeside, isMeant }) => codesBeside.includes(word) && sentences.some(isMeant),
  );
  if (described !== undefined) return { kind: described.kind, word };
  const stronger = known.find(({ kind }) => kind === 'dead-grant' || kind === 'person-needed');
  if (UNSPECIFIC_CODES.includes(word) && stronger !== undefined) return stronger;
  return first ?? { kind: 'other' };
}

function lookUp(text: string, codes: readonly string[]): JudgedRefusal[] {
  const exact = codes.includes(text) ? KINDS.get(text) : undefined;
  if (exact !== undefined) return [{ kind: exact, word: text }];
  // Apigee prefixes its codes: `keymanagement.service.invalid_refresh_token`.
  const word = normalize(text.slice(text.lastIndexOf('.', text.length - 2) + 1));
  const kind = KINDS.get(word) ?? KNOWN_FAMILIES.find(({ pattern }) => pattern.test(word))?.kind;
  return kind !== undefined && COUNTS_ANYWHERE.includes(kind) ? [{ kind, word }] : [];
}

function toSentence(text: string): string {
  return normalize(text)
    .replaceAll(/[_"'`:,()[\]]+/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim();
}

/**
 * Writes `BAD_REFRESH_TOKEN`, `invalid-refresh-token`, `InvalidGrant` and `Invalid refresh token` as the table does.
 */
function normalize(word: string): string {
  return word
    .trim()
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[\s-]+/g, '_')
    .replace(/[.!]$/, '')
    .toLowerCase();
}

const SHORT_CODE = /^[A-Za-z0-9_.-]{1,40}$/;
const UNINFORMATIVE = /^(errors?|fail(ed|ure)?|exception|bad_request|unauthori[sz]ed|forbidden)$/;
/** A shorter code may be a piece of a secret by chance. */
const MIN_PIECE_LENGTH = 6;

/**
 * Returns the server's short code for the operator's log: `oauth-error` if the refusal has words but no short code,
 * `http-400` and the like if it has none. A server may put anything into its answer, so an unknown code that
 * contains a secret of the request in a known encoding, or is part of one, is never returned.
 */
export function loggableCode(refusal: Refusal, secrets: readonly string[]): string {
  const { word } = judgeRefusal(refusal);
  const codes = refusal.words.filter((one) => SHORT_CODE.test(one));
  const deciding = codes.find((one) => normalize(one) === word);
  if (deciding !== undefined || word !== undefined) return deciding ?? word ?? '';
  const candidates = codes.filter((one) => !isSecret(one, secrets));
  const best = candidates.find((one) => !UNINFORMATIVE.test(normalize(one))) ?? candidates[0];
  if (best !== undefined) return best;
  return refusal.words.length > 0 ? 'oauth-error' : `http-${refusal.status}`;
}

function isSecret(code: string, secrets: readonly string[]): boolean {
  if (createSecretRedaction(...secrets).isQuotedIn(code)) return true;
  const lower = code.toLowerCase();
  return secrets
    .filter((secret) => secret !== '')
    .some((secret) => lower.includes(secret.toLowerCase()) || isPieceOf(secret, code));
}

function isPieceOf(secret: string, code: string): boolean {
  if (code.length < MIN_PIECE_LENGTH) return false;
  if (secret.toLowerCase().includes(code.toLowerCase())) return true;
  const bytes = Buffer.from(secret);
  return decodingsOf(code).some((piece) => piece.length >= MIN_PIECE_LENGTH && bytes.includes(piece));
}

// A piece of a secret's base64 may begin at each of four characters of its groups. Buffer reads base64url as well.
function decodingsOf(code: string): Buffer[] {
  return [...[0, 1, 2, 3].map((at) => Buffer.from(code.slice(at), 'base64')), Buffer.from(code, 'hex')];
}
