/**
 * Reads a clear no out of what a token endpoint answers without tokens. RFC 6749 §5.2 says where its error stands;
 * many providers put it elsewhere or send it with status 200. What the words mean is judged by
 * `credentials/token-endpoint-errors.ts`. This file knows no provider.
 */
export interface Refusal {
  status: number;
  /** What may be the error's code, the likeliest first. Chosen by the server: it may hold anything, also what was sent. */
  words: string[];
  description?: string;
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
  const description = descriptionOf(json);
  return { status, words: wordsOf(json), ...(description !== undefined && { description }) };
}

type JsonObject = Record<string, unknown>;

/** Where codes stand, beside `error` of RFC 6749. */
const CODES = [
  ...['error_code', 'errorCode', 'errcode', 'code', 'status', 'error_type', 'errorType', 'category'],
  ...['type', 'name', 'reason'],
] as const;
/** Sentences as a rule, but with some providers the code. */
const TEXTS = ['message', 'msg', 'detail', 'title'] as const;
const NAMES = [...CODES, ...TEXTS];
const LONGEST_WORD = 200;

function wordsOf(json: unknown, depth = 0): string[] {
  if (Array.isArray(json)) return wordsOf(json[0], depth);
  if (!isObject(json)) return wordOf(json);
  if (depth > 2) return [];
  const nested = [json.error, json.errors, json.data].filter((value) => typeof value === 'object');
  return [
    ...wordOf(json.error),
    ...nested.flatMap((value) => wordsOf(value, depth + 1)),
    ...NAMES.flatMap((name) => wordOf(json[name])),
  ];
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

function descriptionOf(json: unknown): string | undefined {
  const description = isObject(json) ? json.error_description : undefined;
  return typeof description === 'string' ? description.slice(0, LONGEST_WORD) : undefined;
}

function namesError(json: unknown): boolean {
  const body = Array.isArray(json) ? json[0] : json;
  if (!isObject(body)) return false;
  const { error, errors, ok, success, data } = body;
  if (isSaid(error) || isSaid(errors) || isSaid(body.error_description)) return true;
  if (ok === false || success === false) return true;
  if (NAMES.some((name) => isErrorCode(body[name]))) return true;
  return isObject(data) && (isSaid(data.error) || NAMES.some((name) => isErrorCode(data[name])));
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

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
