import type pg from 'pg';
import { accountOf } from '../../../../src/contracts/accounts.ts';
import type { CredentialKey } from '../../../../src/contracts/activities.ts';
import type { Reply } from './running-program.ts';
import { UnknownYet } from './unknown-yet.ts';

/** The one row of `mcp_credential`, with its times relative to now. */
export interface StoredRow {
  /** Of a row that is the same but for its times. */
  id: number;
  /** Seconds that the lease is still good for; 0: it is over; null: nobody has it. */
  leaseLeft: number | null;
}

/** The columns that matter here. */
export interface RowImage {
  status: 'connected' | 'reauth-required' | 'disconnected';
  reason: string | null;
  credential_version: number;
  token_version: number;
  grant_jwe: string | null;
  revocation_jwe: string | null;
  lease_id: string | null;
  grant_seq: number;
  stored_seq: number;
}

export interface Statement {
  sql: string;
  values: readonly unknown[];
}

/**
 * What Postgres does, learned once a statement, row and time: each is executed against that very row in a
 * transaction that is rolled back.
 */
export interface SqlMemory {
  execute(row: StoredRow, startedAgo: number, statement: Statement): { row: StoredRow; reply: Reply };
  image(row: StoredRow): RowImage;
  /** Statements that Postgres was asked to execute. */
  executed(): number;
}

// Time stands still: what has gone by since is in the row, and in what Postgres says of its start. Functions
// of the same name that are found before those of pg_catalog: what the product runs stays as it is.
const STANDING_CLOCK = `
  CREATE SCHEMA standing;
  CREATE FUNCTION standing.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT timestamptz '2030-01-01 00:00:00Z' $$;
  CREATE FUNCTION standing.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT standing.clock_timestamp() - current_setting('standing.started_ago')::interval $$;
  SET search_path = standing, public, pg_catalog;
  SET synchronous_commit = off`;

// Of the whole row: not its key, its times and what Postgres derives from other columns.
const readRow = (columns: readonly string[], account: string) => `
  SELECT to_jsonb(c) - (SELECT array_agg(key) FROM jsonb_object_keys(to_jsonb(c)) key
                         WHERE NOT key = ANY ('{${columns}}')) AS image,
         CASE WHEN lease_id IS NOT NULL
           THEN greatest(0, round(extract(epoch FROM lease_until - clock_timestamp())))::int END AS left
    FROM mcp_credential c WHERE account = '${account}'`;

const NOT_IN_IMAGES = [
  'lease_until',
  'grant_used_at',
  'created_at',
  'updated_at',
  'user_id',
  'mcp_server_id',
  'account',
];

async function columnsOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_name = 'mcp_credential' AND is_generated = 'NEVER'`,
  );
  return rows.map(({ name }) => name);
}

/** The credential that the programs are about. */
export interface ExploredAccounts {
  explored: CredentialKey;
  /** Another account of the same user: its row is a copy of the explored one, so that a statement that does not tell
   * the accounts apart finds both. No statement may change it. */
  neighbour?: CredentialKey;
}

interface RowToRestore {
  text: string;
  leaseLeft: number | null;
}

function restore(
  client: pg.Client,
  columns: readonly string[],
  keys: readonly CredentialKey[],
  row: RowToRestore,
  startedAgo: number,
): string {
  const begin = `BEGIN; SET LOCAL standing.started_ago = '${startedAgo} s'; DELETE FROM mcp_credential`;
  if (row.text === 'null') return begin;
  return [begin, ...keys.map((key) => insertRow(client, columns, key, row))].join('; ');
}

function insertRow(
  client: pg.Client,
  columns: readonly string[],
  key: CredentialKey,
  { text: row, leaseLeft }: RowToRestore,
): string {
  const text = (value: string) => client.escapeLiteral(value);
  return `INSERT INTO mcp_credential (${columns}) SELECT ${columns} FROM (SELECT (jsonb_populate_record(null::mcp_credential, ${text(row)}::jsonb ||
      jsonb_build_object('user_id', ${text(key.userId)}, 'mcp_server_id', ${text(key.mcpServerId)},
        'account', ${text(accountOf(key))},
        'created_at', now(), 'updated_at', now(), 'grant_used_at', clock_timestamp(),
        'lease_until', clock_timestamp() + make_interval(secs => ${leaseLeft})))).*) restored`;
}

interface ReadRow {
  image: object;
  left: number | null;
}

/** Reads the rows of these keys, in their order. */
async function readAndUndo(
  client: pg.Client,
  columns: readonly string[],
  keys: readonly CredentialKey[],
): Promise<(ReadRow | undefined)[]> {
  const ofImage = columns.filter((column) => !NOT_IN_IMAGES.includes(column));
  const reads = keys.map((key) => readRow(ofImage, accountOf(key)));
  // The cast is safe: of several statements `pg` answers all the results.
  const results = (await client.query([...reads, 'ROLLBACK'].join('; '))) as unknown;
  return (results as pg.QueryResult<ReadRow>[]).slice(0, keys.length).map(({ rows }) => rows[0]);
}

const TRANSACTION = /^(BEGIN|COMMIT|ROLLBACK)$/;

/** The same Postgres for all; what was learned with other SQL is kept apart. */
export interface SqlMemories extends SqlMemory {
  rewritten(rewrite: (sql: string) => string): SqlMemory;
}

export async function createSqlMemory(
  client: pg.Client,
  { explored, neighbour }: ExploredAccounts,
): Promise<SqlMemories> {
  const keys = neighbour === undefined ? [explored] : [explored, neighbour];
  const columns = await columnsOf(client);
  await client.query(STANDING_CLOCK);
  const rows = createRows();
  const replies = new Map<string, string>();
  let executed = 0;

  async function execute(row: StoredRow, startedAgo: number, { sql, values }: Statement) {
    executed += 1;
    const before = { text: rows.text(row.id), leaseLeft: row.leaseLeft };
    await client.query(restore(client, columns, keys, before, startedAgo));
    const result = await client.query(sql, [...values]);
    const [after, beside] = await readAndUndo(client, columns, keys);
    if (neighbour !== undefined) expectUntouched(before, beside, sql);
    const id = after === undefined ? NO_ROW.id : rows.idOf(JSON.stringify(after.image));
    const value = { rows: result.rows, rowCount: result.rowCount };
    return {
      row: { id, leaseLeft: after?.left ?? null },
      reply: { key: shortened(replies, JSON.stringify(value)), value },
    };
  }

  function memory(rewrite: (sql: string) => string): SqlMemory {
    const known = new Map<string, { row: StoredRow; reply: Reply }>();
    const texts = new WeakMap<readonly unknown[], string>();
    return {
      execute(row, startedAgo, { sql, values }) {
        if (TRANSACTION.test(sql)) return { row, reply: { key: '', value: { rows: [] } } };
        const text = texts.get(values) ?? JSON.stringify([sql, values]);
        texts.set(values, text);
        const id = `${row.id} ${row.leaseLeft} ${startedAgo} ${text}`;
        const found = known.get(id);
        if (found !== undefined) return found;
        throw new UnknownYet(async () => {
          known.set(id, await execute(row, startedAgo, { sql: rewrite(sql), values }));
        });
      },
      image: ({ id }) => rows.image(id),
      executed: () => executed,
    };
  }

  return { ...memory((sql) => sql), rewritten: memory };
}

function expectUntouched(before: RowToRestore, beside: ReadRow | undefined, sql: string): void {
  const text = beside === undefined ? 'null' : JSON.stringify(beside.image);
  if (text === before.text && (beside?.left ?? null) === before.leaseLeft) return;
  throw new Error(`a statement changed the row of another account: ${sql}`);
}

/** Every row that there ever was, by number. */
function createRows() {
  const texts = ['null'];
  const images: (RowImage | null)[] = [null];
  const ids = new Map<string, number>();
  return {
    text: (id: number) => texts[id] ?? 'null',
    image(id: number): RowImage {
      const image = images[id];
      if (!image) throw new Error('there is no row yet');
      return image;
    },
    idOf(text: string): number {
      const known = ids.get(text);
      if (known !== undefined) return known;
      ids.set(text, texts.length);
      // The cast is safe: it is a row as Postgres gave it.
      images.push(JSON.parse(text) as RowImage);
      return texts.push(text) - 1;
    },
  };
}

function shortened(known: Map<string, string>, text: string): string {
  const short = known.get(text) ?? String(known.size);
  known.set(text, short);
  return short;
}

/** There is no row yet. */
export const NO_ROW: StoredRow = { id: 0, leaseLeft: null };
