import { PIECE_CHARACTERS } from '../contracts/json-string.ts';

/** Redacts the texts and numbers of a value. */
interface TextRedaction {
  /** Takes texts of at most one piece. */
  inShortText(text: string): string;
  inTextInPieces(text: string): Generator<void, string>;
  inNumber(number: number): unknown;
}

type Container = unknown[] | Record<string, unknown>;

/** The work on each value, expressed in characters and added to those of its text. */
const VALUE_COST = 200;

/**
 * Redacts every text in a JSON value in place, including the names of members, and yields after each piece. Uses a list
 * instead of recursion, because a server chooses how deep its answer nests.
 */
export function* redactValue<T>(value: T, texts: TextRedaction): Generator<void, T> {
  const top = { value };
  const left: Container[] = [top];
  const worked = { characters: 0 };
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (Array.isArray(next)) yield* redactEntries(next, left, texts, worked);
    else yield* redactMembers(next, left, texts, worked);
    // Empty containers count too, because there may be millions of them.
    if (completesPiece(worked)) yield;
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
    if (completesPiece(worked, entry)) yield;
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
    const redactedName = isLong(name) ? yield* texts.inTextInPieces(name) : texts.inShortText(name);
    const redacted = isLong(member) ? yield* texts.inTextInPieces(member) : redactScalar(member, texts);
    if (redactedName !== name) delete object[name];
    if (redactedName !== name || redacted !== member) define(object, redactedName, redacted);
    if (completesPiece(worked, member, name)) yield;
  }
}

function redactScalar(value: unknown, texts: TextRedaction): unknown {
  if (typeof value === 'string') return texts.inShortText(value);
  return typeof value === 'number' ? texts.inNumber(value) : value;
}

/** Counts the work on a value. Returns true when it completes a piece. */
function completesPiece(worked: { characters: number }, value?: unknown, name = ''): boolean {
  worked.characters += VALUE_COST + name.length + (typeof value === 'string' ? value.length : 0);
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
