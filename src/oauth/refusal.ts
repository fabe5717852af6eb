/**
 * Recognizes a refusal in a token endpoint's response without tokens. RFC 6749 §5.2 says where the error code is, but
 * many providers put it elsewhere, or send it with status 200. This file knows no provider's words: what they mean is
 * decided in `credentials/refresh/judge-refusal.ts`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export interface Refusal {
  status: number;
  /** Texts that may be the error code, the likeliest first. They may contain anything, also a part of the request. */
  words: string[];
  /** The words at the place that RFC 6749 defines: in `error`, or in `error.code`. */
  codes: string[];
  /** Sentences: descriptions, hints and messages. */
  texts: string[];
}

/** Statuses that refuse only this try: RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4. */
const TEMPORARY = [408, 425, 429];

/**
 * Returns the refusal that a response without tokens contains. The JSON body of a 4xx is a refusal even without a word,
 * and that of a 2xx if it names an error. Undefined: the response is unusable.
 */
export function refusalOf(status: number, json: unknown): Refusal | undefined {
  const isClientError = status >= 400 && status < 500 && !TEMPORARY.includes(status);
  const isSuccess = status >= 200 && status < 300;
  if (!isClientError && !(isSuccess && namesError(json))) return undefined;
  return { status, words: wordsOf(json), codes: codesOf(json), texts: textsOf(json) };
}

/** By name as `canonical` writes it: `ErrorCode`, `error_code` and `errorCode` are the same member. */
type Members = ReadonlyMap<string, unknown>;

/** Members that hold a code, beside `error` of RFC 6749. */
const CODES = [
  ...['errorcode', 'errcode', 'errno', 'faultcode', 'code', 'status', 'errortype', 'category'],
  ...['type', 'name', 'reason', 'result'],
] as const;
/** Members that hold a sentence, or the code at some providers. */
const TEXTS = ['message', 'msg', 'errmsg', 'errormessage', 'faultstring', 'detail', 'title'] as const;
const NAMES = [...CODES, ...TEXTS];
/** Objects that may hold the error: `fault` and its `detail` are Apigee's. */
const CONTAINERS = ['error', 'errors', 'data', 'result', 'response', 'fault', 'detail'] as const;
const MAX_WORD_LENGTH = 200;
/** RFC 6749's sentence for `invalid_request` alone has 150 characters, and the telling one comes after it. */
const MAX_TEXT_LENGTH = 1_000;
const MAX_DEPTH = 2;

function wordsOf(json: unknown, depth = 0): string[] {
  if (Array.isArray(json)) return wordsOf(json[0], depth);
  const body = membersOf(json);
  if (body === undefined) return wordOf(json);
  if (depth > MAX_DEPTH) return [];
  return [
    ...wordOf(body.get('error')),
    ...nestedIn(body).flatMap((value) => wordsOf(value, depth + 1)),
    ...NAMES.flatMap((name) => wordOf(body.get(name))),
  ];
}

function codesOf(json: unknown, depth = 0): string[] {
  if (Array.isArray(json)) return codesOf(json[0], depth);
  const body = membersOf(json);
  if (body === undefined || depth > MAX_DEPTH) return [];
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
  if (body === undefined || depth > MAX_DEPTH) return [];
  const own = ['errordescription', 'hint', ...TEXTS].map((name) => body.get(name));
  return [
    ...own.flatMap((text) => (typeof text === 'string' ? [text.slice(0, MAX_TEXT_LENGTH)] : [])),
    ...nestedIn(body).flatMap((value) => textsOf(value, depth + 1)),
  ];
}

function nestedIn(body: Members): unknown[] {
  return CONTAINERS.map((name) => body.get(name)).filter((value) => typeof value === 'object');
}

function wordOf(value: unknown): string[] {
  if (typeof value === 'number' && Number.isSafeInteger(value))
    return isErrorNumber(value) ? [`${value}`] : [];
  return typeof value === 'string' && value.trim() !== '' && value.length <= MAX_WORD_LENGTH
    ? [value.trim()]
    : [];
}

// A body that repeats the HTTP status names no error by it.
function isErrorNumber(value: number): boolean {
  return value !== 0 && !(value >= 100 && value < 600);
}

/** Members of a 2xx that may hold the error. */
const CONTAINERS_IN_SUCCESS = ['data', 'result', 'response'] as const;

function namesError(json: unknown, depth = 0): boolean {
  const body = membersOf(Array.isArray(json) ? json[0] : json);
  if (body === undefined) return false;
  if (['error', 'errors', 'fault', 'errordescription'].some((name) => isPresent(body.get(name)))) return true;
  if (body.get('ok') === false || body.get('success') === false) return true;
  if (NAMES.some((name) => isErrorCode(body.get(name)))) return true;
  if (['errorcode', 'errcode', 'errno'].some((name) => isNonZero(body.get(name)))) return true;
  return depth === 0 && CONTAINERS_IN_SUCCESS.some((name) => namesError(body.get(name), 1));
}

// 0 is success, and so is a repeated status 2xx. Every other number is an error, also a negative one.
function isNonZero(value: unknown): boolean {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number !== 0 && !(number >= 200 && number < 300);
}

/** False for `null`, `false`, 0 and everything empty: such a member names no error. */
function isPresent(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value) && value !== '0';
}

const ERROR_CODE =
  /error|fail|invalid|bad|expired|revoked|denied|unauthori[sz]ed|forbidden|required|refused|unknown|missing|mismatch|limit/i;

// True for `status: 401` in the body of a 200, `code: 20026` and `status: "BAD_REFRESH_TOKEN"`; false for `code: 200`
// and `status: "ok"`.
function isErrorCode(value: unknown): boolean {
  if (typeof value === 'number') return value >= 400;
  return typeof value === 'string' && (ERROR_CODE.test(value) || /^[45]\d\d$/.test(value));
}

// Of two members with the same canonical name, the first one counts.
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
