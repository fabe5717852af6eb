import type { Db } from '../../../src/db/pool.ts';

/** What happens around the queries whose text contains `part`; all others go through untouched. */
export interface Obstruction {
  part: string;
  before?: () => Promise<void>;
  after?: () => Promise<void>;
}

/** The same database with an obstacle at one of the statements of the code under test. */
export function obstructed(db: Db, { part, before, after }: Obstruction): Db {
  const query = async (sql: string, values: unknown[]) => {
    if (!sql.includes(part)) return db.query(sql, values);
    await before?.();
    const result = await db.query(sql, values);
    await after?.();
    return result;
  };
  // The cast is safe: the code under test calls `query` with a text and values alone.
  return { query } as Db;
}

/** The same SQL, but that anybody may take the lease at any time and send without having it. */
export function withoutLease(db: Db): Db {
  const query = (sql: string, values: unknown[]) =>
    db.query(
      sql
        .replace('AND (lease_id IS NULL OR', 'AND (true OR')
        .replace("AND lease_id = $4 AND status = 'connected'", 'AND $4::uuid IS NOT NULL'),
      values,
    );
  // The cast is safe: the code under test calls `query` with a text and values alone.
  return { query } as Db;
}

/** Parts that only one statement has. */
export const RECORD_INTENT = 'SET grant_seq = grant_seq + 1';
export const STORE_RENEWAL = 'stored_seq = $5';

export interface Gate {
  /** Resolves when somebody stands before it. */
  reached: Promise<void>;
  open: () => void;
  pass: () => Promise<void>;
}

export function createGate(): Gate {
  let arrive = () => {};
  let open = () => {};
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    open,
    pass: () => {
      arrive();
      return opened;
    },
  };
}
