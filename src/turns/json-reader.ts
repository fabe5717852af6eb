import { type JsonLimits, JsonOverLimit } from './json-limits.ts';

/** Values between two steps. */
const STEP = 500;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS: [string, unknown][] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

type Container = { members: number } & (
  | { list: unknown[]; object?: undefined }
  | { object: Record<string, unknown>; list?: undefined; key: string }
);
/** What may come next. `end` of the container is allowed right after its beginning and after a value. */
type Next = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'comma-or-end' | 'nothing';

/**
 * Reads JSON as `JSON.parse` does, in steps. A text of some MiB with many small values holds `JSON.parse` up for
 * seconds, and the parsers on npm that work in chunks lose values: `@discoveryjs/json-ext` looks for the object that it
 * is in under the last key in the order of enumeration, where keys like "1" come first.
 *
 * @throws SyntaxError, JsonOverLimit
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export function* readJsonInSteps(text: string, limits: JsonLimits): Generator<void, unknown> {
  const reader = new JsonReader(text, limits);
  while (reader.readOn(STEP)) yield;
  return reader.result;
}

class JsonReader {
  result: unknown;
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #open: Container[] = [];
  #at = 0;
  #values = 0;
  #next: Next = 'value';

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  /** False once all is read. */
  readOn(tokens: number): boolean {
    for (let read = 0; read < tokens; read += 1) {
      this.#skipSpace();
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
    else if (this.#next.startsWith('key')) this.#readKey(character, container);
    else this.#readValue(character);
  }

  #readComma(character: string | undefined, container: Container | undefined): void {
    if (character !== ',') throw this.#unexpected();
    this.#at += 1;
    this.#next = container?.list === undefined ? 'key' : 'value';
  }

  #readKey(character: string | undefined, container: Container | undefined): void {
    if (character !== '"' || container?.object === undefined) throw this.#unexpected();
    container.key = this.#readString();
    container.members += 1;
    if (container.members > this.#limits.members) throw new JsonOverLimit('members');
    this.#count();
    this.#skipSpace();
    if (this.#text[this.#at] !== ':') throw this.#unexpected();
    this.#at += 1;
    this.#next = 'value';
  }

  #readValue(character: string | undefined): void {
    this.#count();
    if (character === '{') this.#enter({ members: 0, object: {}, key: '' }, 'key-or-end');
    else if (character === '[') this.#enter({ members: 0, list: [] }, 'value-or-end');
    else if (character === '"') this.#add(this.#readString());
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

  #readString(): string {
    const start = this.#at;
    for (let quote = this.#text.indexOf('"', start + 1); quote !== -1; ) {
      let before = quote;
      while (this.#text[before - 1] === '\\') before -= 1;
      if ((quote - before) % 2 === 0) {
        this.#at = quote + 1;
        // It judges escapes and control characters, and copies: a slice would hold on to the whole text.
        return JSON.parse(this.#text.slice(start, this.#at)) as string;
      }
      quote = this.#text.indexOf('"', quote + 1);
    }
    throw this.#unexpected();
  }

  #readScalar(): unknown {
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      return Number(number);
    }
    const literal = LITERALS.find(([word]) => this.#text.startsWith(word, this.#at));
    if (literal === undefined) throw this.#unexpected();
    this.#at += literal[0].length;
    return literal[1];
  }

  #skipSpace(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code > 0x20) return;
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > this.#limits.values) throw new JsonOverLimit('values');
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(`not JSON at ${this.#at}`);
  }
}

// As `JSON.parse` does it: an assignment would set the prototype.
function define(object: Record<string, unknown>, value: unknown): void {
  Object.defineProperty(object, '__proto__', { value, enumerable: true, configurable: true, writable: true });
}
