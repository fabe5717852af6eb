import type { LineFailure } from './line-failure.ts';
import type { Records } from './read-records.ts';

/** A connection as a format made it of one line or more, not validated yet. */
export interface Candidate {
  kind: 'candidate';
  /** The line that it is reported under. */
  line: number;
  /** Undefined: the token's own user, who was asked for. */
  userId: unknown;
  /** Of `POST /mcp-oauth-credentials`. */
  body: Record<string, unknown>;
}

/** Makes candidates of the records of an export, in the order of their lines. */
export type Format = (records: Records) => AsyncGenerator<Candidate | LineFailure, void>;
