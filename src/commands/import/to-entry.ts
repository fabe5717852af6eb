import { type Deposit, depositSchema } from '../../schemas/deposit.ts';
import { type FieldError, fieldErrors } from '../../schemas/field-errors.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { idSchema } from '../../schemas/id.ts';
import type { Candidate } from './candidate.ts';
import { type LineFailure, lineFailure } from './line-failure.ts';

/** A connection that can be sent. */
export interface ImportEntry {
  kind: 'entry';
  line: number;
  /** Undefined: the token's own user. */
  userId: string | undefined;
  deposit: Deposit;
  /** When `expiresIn` was right, by `performance.now()`. */
  readAt: number;
}

/** Validates a connection by the schema of the API. */
export function toEntry({ line, userId, body }: Candidate): ImportEntry | LineFailure {
  const user = idSchema.optional().safeParse(userId, { error: fieldMessage });
  const deposit = depositSchema.safeParse(body, { error: fieldMessage });
  const errors = [...errorsOfUser(userId, user.error?.issues), ...fieldErrors(deposit.error?.issues ?? [])];
  if (!user.success || !deposit.success || errors.length > 0) {
    return lineFailure(line, 'invalid-request', errors);
  }
  return { kind: 'entry', line, userId: user.data, deposit: deposit.data, readAt: performance.now() };
}

type Issues = Parameters<typeof fieldErrors>[0];

/** HTTP removes spaces at the ends of a header, so such an id would name another user. */
function errorsOfUser(userId: unknown, issues: Issues = []): FieldError[] {
  const isTrimmed = typeof userId !== 'string' || userId === userId.trim();
  const spaces = isTrimmed ? [] : [{ path: 'userId', message: 'must not begin or end with a space' }];
  return [...fieldErrors(issues).map((error) => ({ ...error, path: 'userId' })), ...spaces];
}
