import type { Db } from '../../../src/db/pool.ts';
import { RECORD_INTENT, STORE_RENEWAL } from './obstructed-db.ts';

/** In the statement whose text contains `statement`, `guard` is replaced. */
export interface Removal {
  statement: string;
  guard: string;
  by: string;
}

/** Anybody takes the lease at any time, and sends without having it. */
export const LEASE: Removal[] = [
  {
    statement: 'AS unfinished',
    guard: 'AND (lease_id IS NULL OR (',
    by: 'AND (true OR (',
  },
  {
    statement: RECORD_INTENT,
    guard: "AND lease_id = $4 AND status = 'connected'",
    by: 'AND $4::uuid IS NOT NULL',
  },
];

const FENCES = 'AND credential_version = $4 AND stored_seq < $5';

/** An answer is stored whatever has been stored since it was asked for. */
export const WRITE_BACK_FENCES: Removal[] = [
  { statement: STORE_RENEWAL, guard: FENCES, by: 'AND $4::bigint IS NOT NULL' },
];

/** An answer is stored as long as the one who asked for it has the lease. */
export const WRITE_BACK_FENCES_BUT_LEASE: Removal[] = [
  { statement: STORE_RENEWAL, guard: FENCES, by: 'AND $4::bigint IS NOT NULL AND lease_id = $12' },
];

/** A deposit that changes other fields of the grant wins over the refresh under way, as one of another grant does. */
export const AMENDED_WRITE_BACK: Removal[] = [
  { statement: 'AS has_good_access_token', guard: "AND status <> 'disconnected'", by: 'AND false' },
];

/** Such a deposit ends the lease of the refresh under way. */
export const LEASE_ACROSS_DEPOSITS: Removal[] = [
  {
    statement: 'token_version = token_version + $5::int',
    guard: 'updated_at = now()',
    by: 'updated_at = now(), lease_id = NULL, lease_until = NULL',
  },
];

/** Its holder means to extend it, and does not. */
export const EXTENSION: Removal[] = [
  {
    statement: 'SET lease_until = clock_timestamp() + make_interval(secs => $5)',
    guard: 'AND lease_id = $4',
    by: 'AND lease_id = $4 AND false',
  },
];

/** Whoever was refused says so, whatever has become of the credential. */
export const VERDICT_FENCES: Removal[] = [
  {
    statement: "SET status = 'reauth-required', reason = $7",
    guard: 'AND lease_id = $4 AND credential_version = $5 AND token_version = $6',
    by: 'AND $4::uuid IS NOT NULL AND $5::bigint IS NOT NULL AND $6::bigint IS NOT NULL',
  },
];

/**
 * The same SQL with guards taken out, for tests that show what they are there for.
 *
 * @throws when a guard is not in its statement: the control would test nothing
 */
export function without(removals: Removal[], db: Db): Db {
  const query = (sql: string, values: unknown[]) => db.query(rewritten(removals)(sql), values);
  // The cast is safe: the code under test calls `query` with a text and values alone.
  return { query } as Db;
}

/** SQL with guards taken out. @throws as `without` does */
export function rewritten(removals: Removal[]): (sql: string) => string {
  return (sql) => removals.reduce(withoutOne, sql);
}

function withoutOne(sql: string, { statement, guard, by }: Removal): string {
  if (!sql.includes(statement)) return sql;
  if (!sql.includes(guard)) throw new Error(`no guard "${guard}" in: ${sql}`);
  return sql.replace(guard, by);
}
