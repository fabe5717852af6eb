import type { CredentialKey } from '../../src/contracts/activities.ts';
import { keyFromRow } from '../../src/credentials/credential-key.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { ExplainingPool } from './explaining-pool.ts';
import { GROWING } from './fill.ts';
import { reconcilePath, renewIdlePath, workerPath } from './paths/background.ts';
import { callPath } from './paths/call.ts';
import { depositPath } from './paths/deposit.ts';
import type { HotContext, HotPath } from './paths/hot-path.ts';
import { refreshPath } from './paths/refresh.ts';
import { waitersPath } from './paths/waiters.ts';
import { createStatements, type MeasuredStatement } from './statements.ts';

const PATHS: readonly HotPath[] = [
  callPath,
  refreshPath,
  depositPath,
  waitersPath,
  reconcilePath,
  renewIdlePath,
  workerPath,
];

const ROUNDS = 5;
/** More than all rounds use. */
const KEYS = 1_000;
/** Postgres may read a smaller table from end to end at no cost. */
const LARGE = 400;

export type GivenStatements = ExplainingPool &
  Pick<HotContext, 'client' | 'vault' | 'keyRing'> & {
    /** Its statements are not measured. */
    filling: Pool;
  };

/**
 * Runs the operations of all hot paths, several times each, with the connections of other users each time.
 *
 * @throws if an operation finds nothing to do
 */
export async function measureStatements(given: GivenStatements): Promise<MeasuredStatement[]> {
  const statements = createStatements(await judgedTables(given.filling));
  const context = { ...given, ...(await keysOf(given.filling)) };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const path of PATHS) {
      for (const [operation, run] of path.operations(context)) {
        statements.add(path.name, operation, await given.during(run));
      }
    }
  }
  return statements.measured();
}

/** The growing tables that have enough rows for a scan of them to count. */
export async function judgedTables(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ relname: string }>(
    'SELECT relname FROM pg_class WHERE relname = ANY ($1) AND reltuples >= $2 ORDER BY relname',
    [GROWING, LARGE],
  );
  return rows.map(({ relname }) => relname);
}

/** Users from all over the table. */
async function keysOf(pool: Pool): Promise<Pick<HotContext, 'nextConnected' | 'nextAwaited'>> {
  const connected = await pool.query(
    `SELECT user_id, mcp_server_id, account FROM mcp_credential
      WHERE status = 'connected' AND credential_version = 1 AND token_version = 1 AND lease_id IS NULL
      ORDER BY md5(user_id) LIMIT ${KEYS}`,
  );
  const awaited = await pool.query(
    `SELECT DISTINCT ON (md5(user_id), user_id) user_id, mcp_server_id, account FROM mcp_step_waiter
      ORDER BY md5(user_id), user_id LIMIT ${KEYS}`,
  );
  return { nextConnected: inTurn(connected.rows), nextAwaited: inTurn(awaited.rows) };
}

function inTurn(rows: Parameters<typeof keyFromRow>[0][]): () => CredentialKey {
  const remaining = rows.values();
  return () => {
    const { value } = remaining.next();
    if (value === undefined) throw new Error('the table has too few users');
    return keyFromRow(value);
  };
}
