import { PIECE_CHARACTERS } from '../contracts/json-string.ts';

/** How the texts of a value are redacted. */
interface TextRedaction {
  /** Of a text of one piece, at most. */
  inShortText(text: string): string;
  inTextInPieces(text: string): Generator<void, string>;
  inNumber(number: number): unknown;
}

type Container = unknown[] | Record<string, unknown>;

/** What a value costs beside its characters, in characters. */
const OF_A_VALUE = 200;

/**
 * Redacts every text in a JSON value, names of members included, in place and in steps. With a list of its own and not
 * by recursion: a server chooses how deep its answer nests.
 */
export function* redactValue<T>(value: T, texts: TextRedaction): Generator<void, T> {
  const top = { value };
  const left: Container[] = [top];
  const worked = { characters: 0 };
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (Array.isArray(next)) yield* redactEntries(next, left, texts, worked);
    else yield* redactMembers(next, left, texts, worked);
    // It may be empty, and a million of them too.
    if (isAPiece(worked)) yield;
  }
  return top.value;
}

function* redactEntries(
  list: unknown[],
  left: Container[],
  texts: TextRedaction,
  worked: { characters: number },
): Generator<void, void> {
  for (const [index, entry] of list.entries()) {
    if (isContainer(entry)) left.push(entry);
    else if (isLong(entry)) list[index] = yield* texts.inTextInPieces(entry);
    else list[index] = redactScalar(entry, texts);
    if (isAPiece(worked, entry)) yield;
  }
}

function* redactMembers(
  object: Record<string, unknown>,
  left: Container[],
  texts: TextRedaction,
  worked: { characters: number },
): Generator<void, void> {
  for (const name of Object.keys(object)) {
    const member = object[name];
    if (isContainer(member)) left.push(member);
    const shownName = isLong(name) ? yield* texts.inTextInPieces(name) : texts.inShortText(name);
    const shown = isLong(member) ? yield* texts.inTextInPieces(member) : redactScalar(member, texts);
    if (shownName !== name) delete object[name];
    if (shownName !== name || shown !== member) define(object, shownName, shown);
    if (isAPiece(worked, member, name)) yield;
  }
}

function redactScalar(value: unknown, texts: TextRedaction): unknown {
  if (typeof value === 'string') return texts.inShortText(value);
  return typeof value === 'number' ? texts.inNumber(value) : value;
}

/** Counts the work on a value, and says whether it is enough for one step. */
function isAPiece(worked: { characters: number }, value?: unknown, name = ''): boolean {
  worked.characters += OF_A_VALUE + name.length + (typeof value === 'string' ? value.length : 0);
  if (worked.characters < PIECE_CHARACTERS) return false;
  worked.characters = 0;
  return true;
}

function isLong(value: unknown): value is string {
  return typeof value === 'string' && value.length > PIECE_CHARACTERS;
}

// Defined, not assigned: a server may call a member `__proto__`.
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}
