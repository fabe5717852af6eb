import { asAdmin } from '../support/database-template.ts';

/** The time that the product's SQL sees in one database. Sessions that begin after it was made obey it. */
export interface DatabaseClock {
  /** From now on it is so many seconds later, for all sessions. */
  advance(seconds: number): Promise<void>;
  /** Postgres claims to have been started so many seconds ago. */
  startedAgo(seconds: number): Promise<void>;
}

// Functions of the same name that are found before those of pg_catalog: what the product runs stays as it is.
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

/** By default Postgres seems to run for a day: nothing waits because a test run has only begun. */
export async function createDatabaseClock(databaseUrl: string): Promise<DatabaseClock> {
  const run = (sql: string, values?: unknown[]) =>
    asAdmin(databaseUrl, (admin) => admin.query(sql, values).then(() => {}));
  await run(SHADOW);
  return {
    advance: (seconds) => run('UPDATE shadow.time SET ahead = ahead + make_interval(secs => $1)', [seconds]),
    startedAgo: (seconds) => run('UPDATE shadow.time SET started_ago = make_interval(secs => $1)', [seconds]),
  };
}
