import { isWithin } from '../contracts/json-size.ts';
import { PIECE_CHARACTERS } from '../contracts/json-string.ts';
import { writeJsonInPieces } from './json-writer.ts';

/**
 * Writes JSON as `JSON.stringify` does, in UTF-8: a small value at once, because that costs less, a larger or deeper one
 * in steps. The value may not be undefined.
 *
 * @throws TypeError for a bigint
 */
export function* writeJson(value: unknown): Generator<void, Buffer> {
  if (isWithin(value, PIECE_CHARACTERS)) return Buffer.from(JSON.stringify(value));
  yield;
  return yield* writeJsonInPieces(value);
}
