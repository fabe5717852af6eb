import type { FieldError } from '../../schemas/field-errors.ts';

/** A line that was not imported. It never holds a value of the line. */
export interface LineFailure {
  kind: 'failed';
  line: number;
  /** A code of `LINE_CODES`, or one of the API's. Stable. */
  code: string;
  fields: readonly FieldError[];
  /** For people. */
  message: string;
}

/** What is wrong with a line before it is sent. New codes may be added; none is ever renamed. */
export const LINE_CODES = {
  'line-too-long': 'The line is longer than 1 MiB.',
  'not-utf8': 'The line is not UTF-8.',
  'invalid-json': 'The line is not a JSON object.',
  'number-not-exact': 'A number of the line would be rounded.',
  'invalid-request': 'Fields are wrong.',
  'invalid-record': 'The line does not have the shape of this export.',
  'unsupported-credentials': 'Only OAuth 2 credentials of a user can be imported.',
  'no-refresh-token': 'The export has no refresh token for this connection.',
  'no-user': 'The line does not say whose connection this is.',
  'unmapped-user': '--user-map does not have this user.',
  'unmapped-server': 'Neither --map nor --map-file has this server.',
  undecryptable: 'It can not be decrypted: CREDS_KEY is another key, or the value is damaged.',
  'mixed-credentials': 'The refresh token and the client are of different consents.',
} as const;

export type LineCode = keyof typeof LINE_CODES;

export function lineFailure(line: number, code: LineCode, fields: readonly FieldError[] = []): LineFailure {
  return { kind: 'failed', line, code, fields, message: LINE_CODES[code] };
}

/** What `make` makes of a line. An error in it, which is a mistake of ours, fails the line instead of the import. */
export function orInvalidRecord<T>(line: number, make: () => T): T | LineFailure {
  try {
    return make();
  } catch {
    return lineFailure(line, 'invalid-record');
  }
}
