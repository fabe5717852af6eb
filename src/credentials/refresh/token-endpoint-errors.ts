import type { Refusal } from '../../oauth/refusal.ts';
import { DESCRIBED, KNOWN_FAMILIES, KNOWN_WORDS, type RefusalKind } from './known-refusals.ts';

const KINDS = new Map(KNOWN_WORDS.flatMap(({ kind, words }) => words.map((word) => [word, kind] as const)));

/** Whom these words ask is the same wherever they stand, and in whatever spelling. */
const KNOWN_ANYWHERE: readonly RefusalKind[] = ['dead-grant', 'person-needed', 'transient'];
/** Frameworks answer `invalid_request` to any request that fails, also to one whose token is dead. */
const OUTWEIGHED = ['invalid_request', 'invalid_scope', 'invalid_target', 'unauthorized_client'];

export interface JudgedRefusal {
  kind: RefusalKind;
  /** The word of the table that decided. */
  word?: string;
}

/**
 * "Invalid request" in a message is what any framework says of any failure. Only the standard's own code, where the
 * standard has it, speaks of the client or of a parameter: that ends steps.
 */
export function judgeRefusal({ words, codes, texts }: Refusal): JudgedRefusal {
  const known = words.flatMap((word) => knownBy(word, codes));
  const first = known[0];
  const word = first?.word ?? normalized(words[0] ?? '');
  const said = texts.map(asSentence);
  const described = DESCRIBED.find((one) => one.words.includes(word) && said.some(one.isMeant));
  if (described !== undefined) return { kind: described.kind, word };
  const stronger = known.find(({ kind }) => kind === 'dead-grant' || kind === 'person-needed');
  if (OUTWEIGHED.includes(word) && stronger !== undefined) return stronger;
  return first ?? { kind: 'other' };
}

function knownBy(said: string, codes: readonly string[]): JudgedRefusal[] {
  const exact = codes.includes(said) ? KINDS.get(said) : undefined;
  if (exact !== undefined) return [{ kind: exact, word: said }];
  // `keymanagement.service.invalid_refresh_token` is Apigee's.
  const word = normalized(said.slice(said.lastIndexOf('.', said.length - 2) + 1));
  const kind = KINDS.get(word) ?? KNOWN_FAMILIES.find(({ pattern }) => pattern.test(word))?.kind;
  return kind !== undefined && KNOWN_ANYWHERE.includes(kind) ? [{ kind, word }] : [];
}

function asSentence(text: string): string {
  return normalized(text)
    .replaceAll(/[_"'`:,()[\]]+/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim();
}

/** `BAD_REFRESH_TOKEN`, `invalid-refresh-token`, `InvalidGrant` and `Invalid refresh token` as the table writes them. */
function normalized(word: string): string {
  return word
    .trim()
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[\s-]+/g, '_')
    .replace(/[.!]$/, '')
    .toLowerCase();
}

const SHORT_CODE = /^[A-Za-z0-9_.-]{1,40}$/;
const SAYS_NOTHING = /^(errors?|fail(ed|ure)?|exception|bad_request|unauthori[sz]ed|forbidden)$/;
const SHORTEST_PIECE = 6;

/**
 * The server's own short code, for the operator's log; `oauth-error` where what stands there is none, `http-400` and
 * the like where nothing does. Never what was sent, nor a piece of it: a server may put anything into its answer.
 *
 * @param secrets what of the request must not be told
 */
export function loggableCode(refusal: Refusal, secrets: readonly string[]): string {
  const { word } = judgeRefusal(refusal);
  const codes = refusal.words.filter((one) => SHORT_CODE.test(one));
  const deciding = codes.find((one) => normalized(one) === word);
  if (deciding !== undefined || word !== undefined) return deciding ?? word ?? '';
  const telling = codes.filter(
    (one) =>
      !isSecret(
        one,
        secrets.filter((secret) => secret !== ''),
      ),
  );
  const best = telling.find((one) => !SAYS_NOTHING.test(normalized(one))) ?? telling[0];
  if (best !== undefined) return best;
  return refusal.words.length > 0 ? 'oauth-error' : `http-${refusal.status}`;
}

function isSecret(code: string, secrets: readonly string[]): boolean {
  const lower = code.toLowerCase();
  return secrets
    .map((secret) => secret.toLowerCase())
    .some((secret) => lower.includes(secret) || (code.length >= SHORTEST_PIECE && secret.includes(lower)));
}
