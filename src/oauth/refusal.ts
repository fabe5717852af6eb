/**
 * Reads a clear no out of what a token endpoint answers without tokens. RFC 6749 §5.2 says where its error stands;
 * many providers put it elsewhere or send it with status 200. What the words mean is judged by
 * `credentials/token-endpoint-errors.ts`. This file knows no provider.
 */
export interface Refusal {
  status: number;
  /** What may be the error's code, the likeliest first. Chosen by the server: it may hold anything, also what was sent. */
  words: string[];
  /** Those of the words that stand where RFC 6749 has its codes: in `error`, or as its `code`. */
  codes: string[];
  /** Sentences: descriptions, hints and messages. */
  texts: string[];
}

/** No verdict, whatever they say: RFC 9110 §15.5.9, RFC 8470 §5.2; 429 says that nothing was done. */
const NO_VERDICT = [408, 425, 429];

/**
 * Undefined: the answer is none to go by. A JSON body of a 4xx is a refusal, also without a word; one of a 2xx where it
 * names an error.
 */
export function refusalOf(status: number, json: unknown): Refusal | undefined {
  const isClientError = status >= 400 && status < 500 && !NO_VERDICT.includes(status);
  const isSuccess = status >= 200 && status < 300;
  if (!isClientError && !(isSuccess && namesError(json))) return undefined;
  return { status, words: wordsOf(json), codes: codesOf(json), texts: textsOf(json) };
}

/** By name as `canonical` writes it: `ErrorCode`, `error_code` and `errorCode` are one. */
type Members = ReadonlyMap<string, unknown>;

/** Where codes stand, beside `error` of RFC 6749. */
const CODES = [
  ...['errorcode', 'errcode', 'errno', 'faultcode', 'code', 'status', 'errortype', 'category'],
  ...['type', 'name', 'reason', 'result'],
] as const;
/** Sentences as a rule, but with some providers the code. */
const TEXTS = ['message', 'msg', 'errmsg', 'errormessage', 'faultstring', 'detail', 'title'] as const;
const NAMES = [...CODES, ...TEXTS];
/** Objects that may hold the error: `fault` and its `detail` are Apigee's. */
const INSIDE = ['error', 'errors', 'data', 'result', 'response', 'fault', 'detail'] as const;
const LONGEST_WORD = 200;
/** The standard's own sentence for `invalid_request`, which comes before the one that tells, has 150. */
const LONGEST_TEXT = 1_000;
const DEEPEST = 2;

function wordsOf(json: unknown, depth = 0): string[] {
  if (Array.isArray(json)) return wordsOf(json[0], depth);
  const body = membersOf(json);
  if (body === undefined) return wordOf(json);
  if (depth > DEEPEST) return [];
  return [
    ...wordOf(body.get('error')),
    ...nestedIn(body).flatMap((value) => wordsOf(value, depth + 1)),
    ...NAMES.flatMap((name) => wordOf(body.get(name))),
  ];
}

function codesOf(json: unknown, depth = 0): string[] {
  if (Array.isArray(json)) return codesOf(json[0], depth);
  const body = membersOf(json);
  if (body === undefined || depth > DEEPEST) return [];
  const error = body.get('error');
  return [
    ...wordOf(error),
    ...wordOf(membersOf(error)?.get('code')),
    ...nestedIn(body).flatMap((value) => codesOf(value, depth + 1)),
  ];
}

function textsOf(json: unknown, depth = 0): string[] {
  if (Array.isArray(json)) return textsOf(json[0], depth);
  const body = membersOf(json);
  if (body === undefined || depth > DEEPEST) return [];
  const own = ['errordescription', 'hint', ...TEXTS].map((name) => body.get(name));
  return [
    ...own.flatMap((text) => (typeof text === 'string' ? [text.slice(0, LONGEST_TEXT)] : [])),
    ...nestedIn(body).flatMap((value) => textsOf(value, depth + 1)),
  ];
}

function nestedIn(body: Members): unknown[] {
  return INSIDE.map((name) => body.get(name)).filter((value) => typeof value === 'object');
}

function wordOf(value: unknown): string[] {
  if (typeof value === 'number' && Number.isSafeInteger(value))
    return isErrorNumber(value) ? [`${value}`] : [];
  return typeof value === 'string' && value.trim() !== '' && value.length <= LONGEST_WORD
    ? [value.trim()]
    : [];
}

// The status once more says nothing new.
function isErrorNumber(value: number): boolean {
  return value !== 0 && !(value >= 100 && value < 600);
}

const IN_SUCCESS = ['data', 'result', 'response'] as const;

function namesError(json: unknown, depth = 0): boolean {
  const body = membersOf(Array.isArray(json) ? json[0] : json);
  if (body === undefined) return false;
  if (['error', 'errors', 'fault', 'errordescription'].some((name) => isSaid(body.get(name)))) return true;
  if (body.get('ok') === false || body.get('success') === false) return true;
  if (NAMES.some((name) => isErrorCode(body.get(name)))) return true;
  if (['errorcode', 'errcode', 'errno'].some((name) => isNonZero(body.get(name)))) return true;
  return depth === 0 && IN_SUCCESS.some((name) => namesError(body.get(name), 1));
}

// 0 is success, and so is the status once more; all other numbers are errors, also the negative ones.
function isNonZero(value: unknown): boolean {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number !== 0 && !(number >= 200 && number < 300);
}

/** `null`, `false`, 0, and nothing in any form: the field is there, and names no error. */
function isSaid(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value) && value !== '0';
}

const ERROR_CODE =
  /error|fail|invalid|bad|expired|revoked|denied|unauthori[sz]ed|forbidden|required|refused|unknown|missing|mismatch|limit/i;

// `status: 401` in the body of a 200, `code: 20026`, `status: "BAD_REFRESH_TOKEN"`; not `code: 200`, `status: "ok"`.
function isErrorCode(value: unknown): boolean {
  if (typeof value === 'number') return value >= 400;
  return typeof value === 'string' && (ERROR_CODE.test(value) || /^[45]\d\d$/.test(value));
}

// The first of two that are one stays.
function membersOf(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [canonical(name), member]),
  );
}

function canonical(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}
