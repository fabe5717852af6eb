import pg from 'pg';
import type { Pool } from '../../src/db/pool.ts';
import { type Explained, readExplained } from './explained.ts';

/** Every statement is executed once and explains itself, also the statements inside functions and triggers. */
const SETTINGS = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_parameter_max_length': '0',
  'auto_explain.log_format': 'json',
  'auto_explain.log_level': 'notice',
};

export interface ExplainingPool {
  /** For the product's code: it runs its own statements. */
  pool: Pool;
  /** What `work` executed. */
  during(work: () => Promise<unknown>): Promise<Explained[]>;
}

/** @param databaseUrl of a superuser: others may not load `auto_explain` */
export function createExplainingPool(databaseUrl: string): ExplainingPool {
  const options = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, options: options.join(' ') });
  // Without a listener, a connection that is lost at the end of a run would end the process.
  pool.on('error', () => {});
  let heard: Explained[] = [];
  pool.on('connect', (client) =>
    client.on('notice', ({ message }) => {
      const explained = message === undefined ? undefined : readExplained(message);
      if (explained !== undefined) heard.push(explained);
    }),
  );
  return {
    pool,
    async during(work) {
      heard = [];
      // Postgres sends the notice of a statement before the end of its transaction, so all are here when `work` is done.
      await work();
      return heard;
    },
  };
}
