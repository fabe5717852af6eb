import type { Ask, Reply } from './running-program.ts';
import { isMain } from './running-program.ts';

/** By a part of its text that only this statement has. */
const STATEMENTS: readonly (readonly [part: string, description: string])[] = [
  ['SELECT s.*', 'reads the connection'],
  ['SET lease_id = $4', 'takes the lease'],
  ['SET lease_until =', 'extends its lease'],
  ['SET lease_id = NULL', 'gives the lease back'],
  ['grant_seq = grant_seq + 1', 'records its intent'],
  ['grant_seq = grant_seq - 1', 'takes its intent back'],
  ['stored_seq = $5', 'writes the answer back'],
  ['AS has_good_access_token', 'looks what a deposit has changed'],
  ["SET status = 'reauth-required', reason = $7", 'marks reauth-required'],
  ['SET revocation_jwe = $5', 'keeps its tokens for the revocation'],
  ['SELECT revocation_jwe', 'looks what is to be revoked'],
  ['SET revocation_jwe = NULL', 'forgets what it has revoked'],
];

const ALL_TEXTS = new RegExp(STATEMENTS.map(([part]) => part.replace(/[$.*+]/g, '\\$&')).join('|'));

/** What a query does, in words. */
export function describeQuery(ask: Ask & { kind: 'query' }, reply?: Reply): string {
  const [part] = ALL_TEXTS.exec(ask.sql) ?? [];
  const description = STATEMENTS.find(([one]) => one === part)?.[1] ?? ask.sql;
  // The cast is safe: a reply to a query is what `pg` answered.
  const result = reply?.value as { rowCount: number | null } | undefined;
  const outcome = result?.rowCount === 0 ? ' in vain' : '';
  return `${description}${isMain(ask) ? '' : ' (by its timer)'}${outcome}`;
}

/** A, B, C … */
export function nameOf(process: number): string {
  return String.fromCharCode(65 + process);
}
