import { followString, PIECE_CHARACTERS } from '../contracts/json-string.ts';
import { type JsonLimits, JsonOverLimit } from './json-limits.ts';

/** The most tokens in one piece of work. */
const PIECE_TOKENS = 200;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LITERALS: [string, unknown][] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

type Container = { members: number } & (
  | { list: unknown[]; object?: undefined }
  | { object: Record<string, unknown>; list?: undefined; key: string }
);
/** The tokens that may follow. `end`: the container may end, which it may at its beginning and after a value. */
type Next = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing';

/** A string that is read in part. */
interface OpenString {
  value: string;
  isKey: boolean;
}

/**
 * Reads JSON with the result of `JSON.parse`, and yields after each piece. `JSON.parse` would block for seconds over a
 * few MiB of small values. The parser of `@discoveryjs/json-ext` works in chunks but loses values: it finds the object
 * that it is in by the last enumerated key, and keys like "1" are enumerated first.
 *
 * @throws SyntaxError, JsonOverLimit
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export function* readJsonInPieces(text: string, limits: JsonLimits): Generator<void, unknown> {
  const reader = new JsonReader(text, limits);
  while (reader.readPiece()) yield;
  return reader.result;
}

class JsonReader {
  result: unknown;
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #open: Container[] = [];
  #string: OpenString | undefined;
  #at = 0;
  #values = 0;
  #next: Next = 'value';

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  /** Reads until the piece has its number of tokens or characters. Returns false at the end of the text. */
  readPiece(): boolean {
    const until = this.#at + PIECE_CHARACTERS;
    for (let read = 0; read < PIECE_TOKENS && this.#at < until; read += 1) {
      if (this.#string !== undefined) {
        this.#readString(this.#string);
        continue;
      }
      this.#skipSpace(until);
      if (this.#at === until) return true;
      if (this.#next === 'nothing') {
        if (this.#at < this.#text.length) throw this.#unexpected();
        return false;
      }
      this.#readToken(this.#text[this.#at]);
    }
    return true;
  }

  #readToken(character: string | undefined): void {
    const container = this.#open.at(-1);
    const endsIt = container?.list === undefined ? '}' : ']';
    if (character === endsIt && container !== undefined && this.#next.endsWith('end')) this.#close();
    else if (this.#next === 'comma-or-end') this.#readComma(character, container);
    else if (this.#next === 'colon') this.#readColon(character);
    else if (this.#next.startsWith('key')) this.#readKey(character);
    else this.#readValue(character);
  }

  #readComma(character: string | undefined, container: Container | undefined): void {
    if (character !== ',') throw this.#unexpected();
    this.#at += 1;
    this.#next = container?.list === undefined ? 'key' : 'value';
  }

  #readColon(character: string | undefined): void {
    if (character !== ':') throw this.#unexpected();
    this.#at += 1;
    this.#next = 'value';
  }

  #readKey(character: string | undefined): void {
    if (character !== '"') throw this.#unexpected();
    this.#beginString(true);
  }

  #readValue(character: string | undefined): void {
    this.#count();
    if (character === '{') this.#enter({ members: 0, object: {}, key: '' }, 'key-or-end');
    else if (character === '[') this.#enter({ members: 0, list: [] }, 'value-or-end');
    else if (character === '"') this.#beginString(false);
    else this.#add(this.#readScalar());
  }

  #enter(container: Container, next: Next): void {
    this.#add(container.list ?? container.object);
    this.#open.push(container);
    if (this.#open.length > this.#limits.nesting) throw new JsonOverLimit('nesting');
    this.#at += 1;
    this.#next = next;
  }

  #close(): void {
    this.#open.pop();
    this.#at += 1;
    this.#next = this.#open.length === 0 ? 'nothing' : 'comma-or-end';
  }

  #add(value: unknown): void {
    const container = this.#open.at(-1);
    if (container === undefined) this.result = value;
    else if (container.list !== undefined) container.list.push(value);
    else if (container.key === '__proto__') define(container.object, value);
    else container.object[container.key] = value;
    this.#next = container === undefined ? 'nothing' : 'comma-or-end';
  }

  #beginString(isKey: boolean): void {
    this.#at += 1;
    this.#string = { value: '', isKey };
    this.#readString(this.#string);
  }

  /** Reads the string to its end, or a piece of it. */
  #readString(string: OpenString): void {
    const from = this.#at;
    const { closed, at } = followString(this.#text, from, from + PIECE_CHARACTERS);
    if (!closed && at >= this.#text.length) throw this.#unexpected();
    const piece = this.#text.slice(from, closed ? at - 1 : at);
    // `JSON.parse` checks escapes and control characters. It also copies: a slice would keep the whole text in memory.
    string.value += JSON.parse(`"${piece}"`) as string;
    this.#at = at;
    if (string.isKey && string.value.length > this.#limits.keyLength) throw new JsonOverLimit('keyLength');
    if (closed) this.#endString(string);
  }

  #endString({ value, isKey }: OpenString): void {
    this.#string = undefined;
    if (isKey) this.#takeKey(value);
    else this.#add(value);
  }

  #takeKey(key: string): void {
    const container = this.#open.at(-1);
    if (container?.object === undefined) throw this.#unexpected();
    container.key = key;
    container.members += 1;
    if (container.members > this.#limits.members) throw new JsonOverLimit('members');
    this.#count();
    this.#next = 'colon';
  }

  #readScalar(): unknown {
    const number = this.#numberAt(this.#at);
    if (NUMBER.test(number)) {
      this.#at += number.length;
      return Number(number);
    }
    const literal = LITERALS.find(([word]) => this.#text.startsWith(word, this.#at));
    if (literal === undefined) throw this.#unexpected();
    this.#at += literal[0].length;
    return literal[1];
  }

  #numberAt(start: number): string {
    const longest = start + this.#limits.numberLength;
    let end = start;
    while (isOfNumber(this.#text.charCodeAt(end))) {
      if (end === longest) throw new JsonOverLimit('numberLength');
      end += 1;
    }
    return this.#text.slice(start, end);
  }

  #skipSpace(until: number): void {
    while (this.#at < until && isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > this.#limits.values) throw new JsonOverLimit('values');
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(`not JSON at ${this.#at}`);
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Digits, `-`, `+`, `.`, `e` and `E`. */
function isOfNumber(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x65 ||
    code === 0x45 ||
    code === 0x2b
  );
}

// As in `JSON.parse`. An assignment would set the prototype.
function define(object: Record<string, unknown>, value: unknown): void {
  Object.defineProperty(object, '__proto__', { value, enumerable: true, configurable: true, writable: true });
}
