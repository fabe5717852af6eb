import { asAdmin } from '../support/database-template.ts';

/** Controls the time that the product's SQL sees in one database, in sessions that begin later. */
export interface DatabaseClock {
  /** Advances the time of all sessions. */
  advance(seconds: number): Promise<void>;
  /** Makes Postgres report a start this many seconds ago. */
  startedAgo(seconds: number): Promise<void>;
}

// Functions of the same name take precedence over those of pg_catalog, so the product's SQL stays unchanged.
const SHADOW = `
  CREATE SCHEMA shadow;
  CREATE TABLE shadow.time (ahead interval NOT NULL, started_ago interval NOT NULL);
  INSERT INTO shadow.time VALUES ('0', '1 day');
  CREATE FUNCTION shadow.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM shadow.time';
  CREATE FUNCTION shadow.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT shadow.clock_timestamp() - started_ago FROM shadow.time';
  DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = shadow, public, pg_catalog', current_database());
  END $$`;

/** By default Postgres reports a start a day ago, so nothing waits for its start period to pass. */
export async function createDatabaseClock(databaseUrl: string): Promise<DatabaseClock> {
  const run = (sql: string, values?: unknown[]) =>
    asAdmin(databaseUrl, (admin) => admin.query(sql, values).then(() => {}));
  await run(SHADOW);
  return {
    advance: (seconds) => run('UPDATE shadow.time SET ahead = ahead + make_interval(secs => $1)', [seconds]),
    startedAgo: (seconds) => run('UPDATE shadow.time SET started_ago = make_interval(secs => $1)', [seconds]),
  };
}
