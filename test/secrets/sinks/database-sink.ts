import type { Db } from '../../../src/db/pool.ts';
import type { Evidence, Sink } from './sink.ts';

export interface DatabaseSink extends Sink {
  /** Keeps what stands in it now: some rows are there for a moment only. */
  keepNow(): Promise<void>;
}

/** Every column of every row of every table, whoever made it. Not Postgres' own, which hold verifiers of passwords. */
export function databaseSink(db: Db): DatabaseSink {
  const kept: Evidence[] = [];
  return {
    name: 'database',
    async keepNow() {
      kept.push(...(await everything(db)));
    },
    collect: async () => [...kept, ...(await everything(db))],
    plants: {
      'database public.mcp_audit_event.details': async (texts) => {
        for (const text of texts) {
          await db.query(`INSERT INTO mcp_audit_event (action, details) VALUES ('planted', $1)`, [
            { note: text },
          ]);
        }
      },
      'database public.mcp_step_waiter.step_id': async (texts) => {
        for (const text of texts) {
          await db.query(
            `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, seen_version)
             VALUES (gen_random_uuid(), $1, 'planted', 'planted', 1)`,
            [text],
          );
        }
      },
      'database public.latchkey_migration.name': async (texts) => {
        for (const text of texts) {
          await db.query('INSERT INTO latchkey_migration (name, run_on) VALUES ($1, now())', [text]);
        }
      },
      'database planted."Odd table".bytes': (texts) => plantOddly(db, 'bytes bytea', texts.map(Buffer.from)),
      'database planted."Odd table".list': (texts) =>
        plantOddly(
          db,
          'list text[]',
          texts.map((text) => [text]),
        ),
    },
  };
}

async function plantOddly(db: Db, column: string, values: unknown[]): Promise<void> {
  const [name] = column.split(' ');
  await db.query('CREATE SCHEMA IF NOT EXISTS planted');
  await db.query('CREATE TABLE IF NOT EXISTS planted."Odd table" ()');
  await db.query(`ALTER TABLE planted."Odd table" ADD COLUMN ${column}`);
  for (const value of values)
    await db.query(`INSERT INTO planted."Odd table" (${name}) VALUES ($1)`, [value]);
}

async function everything(db: Db): Promise<Evidence[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const found: Evidence[] = [];
  // One after the other: together they would wait for the connections of the pool longer than it lets them.
  for (const { name } of rows) found.push(...(await columnsOf(db, name)));
  return found;
}

async function columnsOf(db: Db, table: string): Promise<Evidence[]> {
  const { rows } = await db.query<{ column: string; value: string }>(
    `SELECT field.key AS column, field.value::text AS value FROM ${table} t, json_each(row_to_json(t)) AS field`,
  );
  return rows.map(({ column, value }) => ({ where: `database ${table}.${column}`, content: value }));
}
