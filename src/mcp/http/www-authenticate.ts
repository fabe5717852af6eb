import { splitScopes } from '../../contracts/scopes.ts';

/** One challenge of a `WWW-Authenticate` header. Scheme and parameter names are in lower case. */
export interface Challenge {
  scheme: string;
  params: Record<string, string>;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const SEPARATORS = /[\s,]*/y;
const PARAM = new RegExp(`(${TOKEN})\\s*=\\s*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")`, 'ysu');
const SCHEME = new RegExp(`(${TOKEN})(?![^\\s,])`, 'yu');
const TOKEN68 = /[\w\-.~+/]+=*(?![^\s,])/y;

/**
 * Parses the challenges of a `WWW-Authenticate` header. Several headers may be joined by commas. Reading stops at what
 * cannot be parsed, and returns the challenges before it.
 *
 * @see RFC 9110 §11.6.1, §11.2 (auth-param, token68), §5.6.4 (quoted strings)
 */
export function parseChallenges(header: string | null): Challenge[] {
  const challenges: Challenge[] = [];
  if (header === null) return challenges;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const current = challenges.at(-1);
    // Tries a parameter first: only its `=` distinguishes it from the scheme of the next challenge.
    const param = current === undefined ? null : take(PARAM);
    if (current !== undefined && param !== null) {
      addParam(current, param);
      continue;
    }
    const scheme = take(SCHEME);
    if (scheme !== null) challenges.push({ scheme: String(scheme[1]).toLowerCase(), params: {} });
    else if (take(TOKEN68) === null) return challenges;
  }
}

/** Returns the scopes of an `insufficient_scope` Bearer challenge, undefined without one. RFC 6750 §3.1. */
export function insufficientScope(header: string | null): string[] | undefined {
  const challenge = parseChallenges(header).find(
    ({ scheme, params }) => scheme === 'bearer' && params.error === 'insufficient_scope',
  );
  return challenge && splitScopes(challenge.params.scope);
}

// RFC 9110 §11.2: a name occurs once in a challenge. If it occurs again, the first one counts.
function addParam(challenge: Challenge, [, name, token, quoted]: RegExpExecArray): void {
  const value = token ?? String(quoted).replace(/\\(.)/gsu, '$1');
  challenge.params[String(name).toLowerCase()] ??= value;
}
