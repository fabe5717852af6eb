import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { PIECE_CHARACTERS } from '../../contracts/json-string.ts';
import { createTurns } from '../../turns/turns.ts';
import { type HttpProblem, invalidRequest } from '../problem.ts';

/** The limit of most forms. A route with longer texts sets its own `bodyLimit`. */
const MAX_BYTES = 16 * 1024;
/** The `bodyLimit` of routes whose forms hold a tool's arguments. */
export const MAX_ARGUMENTS_FORM_BYTES = 1024 * 1024;
const MAX_FIELDS = 500;

/**
 * Accepts forms (`application/x-www-form-urlencoded`) as the only content type of a scope. The body becomes an object
 * of texts. A field that is there twice is refused, because readers could disagree about its value. A long form is read
 * in turns, and other requests run in between.
 *
 * @see https://url.spec.whatwg.org/#concept-urlencoded-parser
 */
export function acceptFormsOnly(scope: FastifyInstance): void {
  const turns = createTurns();
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: MAX_BYTES },
    async (_request: unknown, bytes: Buffer) => {
      const fields = isUtf8(bytes) ? await turns.take(readForm(bytes.toString())) : undefined;
      if (fields === undefined) throw unreadable();
      return fields;
    },
  );
}

/** Returns undefined for a field that is there twice, and for more fields than any form has. */
export function* readForm(text: string): Generator<void, Record<string, string> | undefined> {
  const fields = new Map<string, string>();
  const parts = text.split('&', MAX_FIELDS + 1).filter((part) => part !== '');
  if (parts.length > MAX_FIELDS) return undefined;
  for (const part of parts) {
    const [written = ''] = part.split('=', 1);
    const name = yield* decode(written);
    if (fields.has(name)) return undefined;
    fields.set(name, yield* decode(part.slice(written.length + 1)));
  }
  return Object.fromEntries(fields);
}

function* decode(text: string): Generator<void, string> {
  let decoded = '';
  for (let at = 0; at < text.length; ) {
    const end = endOfPiece(text, at + PIECE_CHARACTERS);
    // Without a name, all of the piece is the value.
    decoded += new URLSearchParams(`=${text.slice(at, end)}`).get('') ?? '';
    at = end;
    yield;
  }
  return decoded;
}

const BYTES_OF_A_CHARACTER = 4;

/** Moves the end of a piece behind the character that would be cut there, whose bytes may be percent-encoded. */
function endOfPiece(text: string, at: number): number {
  if (isSecondHalf(text.charCodeAt(at))) return at + 1;
  let end = afterEncodedByte(text, at);
  // RFC 3629 §3: the bytes of a character after the first are 80 to BF.
  for (
    let moved = 1;
    moved < BYTES_OF_A_CHARACTER && /^%[89ab]/i.test(text.slice(end, end + 2));
    moved += 1
  ) {
    end += 3;
  }
  return end;
}

/** Of a surrogate pair. */
function isSecondHalf(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function afterEncodedByte(text: string, at: number): number {
  if (text[at - 1] === '%') return at + 2;
  return text[at - 2] === '%' ? at + 1 : at;
}

function unreadable(): HttpProblem {
  return invalidRequest('The form is not valid UTF-8, has a field twice, or has too many fields.');
}
