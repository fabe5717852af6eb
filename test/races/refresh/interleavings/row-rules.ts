import type { Grant } from '../../../../src/credentials/credential.ts';
import { familyOf, type Grants, isUsable, numberOf, type ServerKind } from './authorization-server-model.ts';
import type { RowImage } from './sql-memory.ts';

/** The refresh token in a sealed grant of the transparent vault. */
export function tokenIn(grantJwe: string | null): string | undefined {
  if (grantJwe === null) return undefined;
  // The cast is safe: the product sealed it.
  return (JSON.parse(grantJwe.slice('grant:'.length)) as Grant).refreshToken;
}

/** What a process, as opposed to the user, must never do to the row. Undefined: it did not. */
export function wrongChange(
  kind: ServerKind,
  grants: Grants,
  before: RowImage,
  after: RowImage,
): string | undefined {
  if (before === after) return undefined;
  if (before.status === 'disconnected' && after.status !== 'disconnected') return 'undoes a disconnect';
  if (after.token_version < before.token_version) return 'turns a version back';
  const had = tokenIn(before.grant_jwe);
  const has = tokenIn(after.grant_jwe);
  if (had === undefined) return undefined;
  if (has === undefined || familyOf(had) !== familyOf(has)) return `puts ${has} in the place of ${had}`;
  if (numberOf(has) < numberOf(had)) return `puts the older ${has} in the place of ${had}`;
  const asksUser = after.status === 'reauth-required' && before.status !== 'reauth-required';
  return asksUser && isUsable(kind, grants, had) ? `asks the user although ${had} is good` : undefined;
}
