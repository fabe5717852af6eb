import { numbersNotExact } from '../../contracts/number-problems.ts';
import type { Candidate, Format } from './candidate.ts';
import { type LineFailure, lineFailure } from './line-failure.ts';
import type { JsonRecord } from './read-records.ts';

export interface PlainOptions {
  /** Whether a line without `userId` is of the token's own user. */
  own: boolean;
}

const NO_USER = { path: 'userId', message: "is missing (--own: such lines are of the token's own user)" };

/** The command's own format: a line is the body of a deposit, and `userId`. */
export function plainLines(options: PlainOptions): Format {
  return async function* (records) {
    for await (const record of records)
      yield record.kind === 'failed' ? record : toCandidate(record, options);
  };
}

function toCandidate({ line, text, value }: JsonRecord, { own }: PlainOptions): Candidate | LineFailure {
  const rounded = numbersNotExact(text);
  if (rounded.length > 0) return lineFailure(line, 'number-not-exact', rounded);
  const { userId, ...body } = value;
  if (userId === undefined && !own) return lineFailure(line, 'no-user', [NO_USER]);
  return { kind: 'candidate', line, userId, body };
}
