import { numbersNotExact } from '../../contracts/number-problems.ts';
import type { Candidate } from './candidate.ts';
import { type LineFailure, lineFailure } from './line-failure.ts';
import type { JsonRecord, Records } from './read-records.ts';

/** The command's own format: a line is the body of a deposit, and `userId`. */
export async function* plainLines(records: Records): AsyncGenerator<Candidate | LineFailure, void> {
  for await (const record of records) yield record.kind === 'failed' ? record : toCandidate(record);
}

function toCandidate({ line, text, value }: JsonRecord): Candidate | LineFailure {
  const rounded = numbersNotExact(text);
  if (rounded.length > 0) return lineFailure(line, 'number-not-exact', rounded);
  const { userId, ...body } = value;
  return { kind: 'candidate', line, userId, body };
}
