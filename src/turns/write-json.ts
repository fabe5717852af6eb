import { isWithin } from '../contracts/json-size.ts';
import { PIECE_CHARACTERS } from '../contracts/json-string.ts';

/** The work on each value, expressed in characters and added to those of its text. */
const VALUE_COST = 200;
/** The text is converted to bytes at this length, because joining millions of short texts takes long. */
const BUFFER_CHARACTERS = 16 * 1024;

/** An object or list that is being written. */
interface Container {
  value: object;
  /** Undefined for a list. */
  names: string[] | undefined;
  length: number;
  at: number;
  isEmpty: boolean;
}

/** A long text that is written in part. */
interface OpenText {
  text: string;
  at: number;
}

type Open = Container | OpenText;

/**
 * Writes JSON with the result of `JSON.stringify`, in UTF-8. A small value is written at once, because that costs less; a
 * larger or deeper one piece by piece. The value may not be undefined.
 *
 * @throws TypeError for a bigint
 */
export function* writeJson(value: unknown): Generator<void, Buffer> {
  if (isWithin(value, PIECE_CHARACTERS)) return Buffer.from(JSON.stringify(value));
  yield;
  return yield* writeJsonInPieces(value);
}

/**
 * Writes a value of any size and depth, without recursion, and yields after each piece.
 *
 * `stringifyChunked` of `@discoveryjs/json-ext` is not used, because it blocks the event loop for 0.4 to 1.4 s over a
 * million short values.
 *
 * @throws TypeError for a bigint
 */
export function* writeJsonInPieces(value: unknown): Generator<void, Buffer> {
  const buffers: Buffer[] = [];
  const open: Open[] = [];
  let text = begin(open, value, '');
  let worked = 0;
  for (let next = open.at(-1); next !== undefined; next = open.at(-1)) {
    const written = 'text' in next ? continueText(open, next) : continueContainer(open, next);
    text += written;
    worked += written.length + VALUE_COST;
    if (text.length > BUFFER_CHARACTERS) {
      buffers.push(Buffer.from(text));
      text = '';
    }
    if (worked < PIECE_CHARACTERS) continue;
    worked = 0;
    yield;
  }
  return Buffer.concat([...buffers, Buffer.from(text)]);
}

function continueContainer(open: Open[], container: Container): string {
  const { names, value, at, length } = container;
  if (at === length) return end(open, container);
  const name = names === undefined ? String(at) : (names[at] ?? '');
  container.at += 1;
  const written = begin(open, Reflect.get(value, name), name);
  // As in `JSON.stringify`, a value without a JSON form is null in a list and left out of an object.
  if (written === '' && names !== undefined) return '';
  const comma = container.isEmpty ? '' : ',';
  container.isEmpty = false;
  const content = written === '' ? 'null' : written;
  return names === undefined ? comma + content : `${comma}${JSON.stringify(name)}:${content}`;
}

/** Returns all of a scalar, or the beginning of another value; empty for a value without a JSON form. */
function begin(open: Open[], given: unknown, name: string): string {
  const value = hasToJson(given) ? given.toJSON(name) : given;
  if (typeof value === 'string' && value.length > PIECE_CHARACTERS) {
    open.push({ text: value, at: 0 });
    return '"';
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const names = Array.isArray(value) ? undefined : Object.keys(value);
  const length = Array.isArray(value) ? value.length : (names?.length ?? 0);
  open.push({ value, names, length, at: 0, isEmpty: true });
  return names === undefined ? '[' : '{';
}

function continueText(open: Open[], long: OpenText): string {
  const { text, at } = long;
  const end = afterWholeCharacter(text, at + PIECE_CHARACTERS);
  long.at = end;
  const written = JSON.stringify(text.slice(at, end)).slice(1, -1);
  if (end < text.length) return written;
  open.pop();
  return `${written}"`;
}

// `JSON.stringify` would write half of a surrogate pair as an escape.
function afterWholeCharacter(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code <= 0xdbff ? at + 1 : at;
}

function end(open: Open[], { names }: Container): string {
  open.pop();
  return names === undefined ? ']' : '}';
}

function hasToJson(value: unknown): value is { toJSON(name: string): unknown } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'toJSON') === 'function';
}
