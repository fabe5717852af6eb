import type { Candidate, Format } from '../../../src/commands/import/candidate.ts';
import type { FieldMaps } from '../../../src/commands/import/field-maps.ts';
import type { LineFailure } from '../../../src/commands/import/line-failure.ts';
import { readLines } from '../../../src/commands/import/read-lines.ts';
import { readRecords } from '../../../src/commands/import/read-records.ts';

export const NO_MAPS: FieldMaps = { targets: undefined, users: undefined, defaults: {} };

/** What a format makes of these records, one a line. */
export async function candidatesIn(
  format: Format,
  records: readonly object[],
): Promise<(Candidate | LineFailure)[]> {
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const record of records) yield Buffer.from(`${JSON.stringify(record)}\n`);
  }
  const found = [];
  for await (const candidate of format(readRecords(readLines(input())))) found.push(candidate);
  return found;
}
