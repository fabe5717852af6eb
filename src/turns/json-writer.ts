import { PIECE_CHARACTERS } from '../contracts/json-string.ts';

/** What writing a value costs beside its characters, in characters. */
const OF_A_VALUE = 200;
/** Characters after which what is written is put by as bytes: joining millions of short texts takes long. */
const PART = 16 * 1024;

/** An object or list that is being written. `names` is undefined for a list. */
interface Container {
  value: object;
  names: string[] | undefined;
  length: number;
  at: number;
  isEmpty: boolean;
}

/** A long text of which the beginning is written. */
interface OpenText {
  text: string;
  at: number;
}

type Open = Container | OpenText;

/**
 * Writes JSON as `JSON.stringify` does, in UTF-8, in steps, and without recursion. The value may not be undefined.
 *
 * `stringifyChunked` of `@discoveryjs/json-ext` was measured in its place: it holds the event loop up for 0.4 to 1.4 s
 * over a million short values.
 *
 * @throws TypeError for a bigint
 */
export function* writeJsonInPieces(value: unknown): Generator<void, Buffer> {
  const parts: Buffer[] = [];
  const open: Open[] = [];
  let text = begin(open, value, '');
  let worked = 0;
  for (let next = open.at(-1); next !== undefined; next = open.at(-1)) {
    const written = 'text' in next ? writeOn(open, next) : writeNext(open, next);
    text += written;
    worked += written.length + OF_A_VALUE;
    if (text.length > PART) {
      parts.push(Buffer.from(text));
      text = '';
    }
    if (worked < PIECE_CHARACTERS) continue;
    worked = 0;
    yield;
  }
  return Buffer.concat([...parts, Buffer.from(text)]);
}

function writeNext(open: Open[], container: Container): string {
  const { names, value, at, length } = container;
  if (at === length) return end(open, container);
  const name = names === undefined ? String(at) : (names[at] ?? '');
  container.at += 1;
  const written = begin(open, Reflect.get(value, name), name);
  // As JSON has it: what has no form is null in a list, and left out of an object.
  if (written === '' && names !== undefined) return '';
  const comma = container.isEmpty ? '' : ',';
  container.isEmpty = false;
  const content = written === '' ? 'null' : written;
  return names === undefined ? comma + content : `${comma}${JSON.stringify(name)}:${content}`;
}

/** All of a simple value, or the beginning of one that has parts; empty for what has no form in JSON. */
function begin(open: Open[], given: unknown, name: string): string {
  const value = hasOwnForm(given) ? given.toJSON(name) : given;
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

function writeOn(open: Open[], long: OpenText): string {
  const { text, at } = long;
  const end = behindWholeCharacter(text, at + PIECE_CHARACTERS);
  long.at = end;
  const written = JSON.stringify(text.slice(at, end)).slice(1, -1);
  if (end < text.length) return written;
  open.pop();
  return `${written}"`;
}

// Half of a surrogate pair would be written as an escape.
function behindWholeCharacter(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code <= 0xdbff ? at + 1 : at;
}

function end(open: Open[], { names }: Container): string {
  open.pop();
  return names === undefined ? ']' : '}';
}

function hasOwnForm(value: unknown): value is { toJSON(name: string): unknown } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'toJSON') === 'function';
}
