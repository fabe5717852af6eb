import { readdir } from 'node:fs/promises';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { MIGRATIONS_FOLDER, MIGRATIONS_TABLE } from '../../src/db/migrations.ts';
import { createTestDatabase } from '../support/database.ts';

const TABLES = ['mcp_credential', 'mcp_step_waiter', 'mcp_connection_event', 'mcp_audit_event'];

async function openDatabase() {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await database.drop();
  });
  const select = async (sql: string) => (await client.query(sql)).rows;
  return { url: database.url, client, select };
}

/** Undoes the migration of accounts and those after it. */
async function migrateDown(databaseUrl: string): Promise<void> {
  const files = await readdir(MIGRATIONS_FOLDER);
  await runner({
    databaseUrl,
    dir: MIGRATIONS_FOLDER,
    migrationsTable: MIGRATIONS_TABLE,
    direction: 'down',
    count: files.filter((file) => file.endsWith('.sql') && file >= '0014').length,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

const INSERT_CREDENTIAL = `INSERT INTO mcp_credential
  (user_id, mcp_server_id, server_revision, status, credential_version, token_version, grant_jwe)`;

test('rows from before become those of the default account, and no table is rewritten', async () => {
  const { url, client, select } = await openDatabase();
  await migrateDown(url);
  await client.query(`${INSERT_CREDENTIAL} VALUES ('ada', 'notes', 1, 'connected', 3, 4, 'jwe')`);
  await client.query(
    "INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, seen_version) VALUES ('w', 's', 'ada', 'notes', 3)",
  );
  await client.query("INSERT INTO mcp_audit_event (action, user_id) VALUES ('connected', 'ada')");
  const files = `SELECT ${TABLES.map((table) => `pg_relation_filenode('${table}')`)}`;
  const before = await client.query({ text: files, rowMode: 'array' });

  await migrate(url);

  expect((await client.query({ text: files, rowMode: 'array' })).rows).toEqual(before.rows);
  for (const table of TABLES) {
    expect(await select(`SELECT DISTINCT account FROM ${table}`)).toEqual([{ account: 'default' }]);
  }
  expect(await select('SELECT label, subject, credential_version, grant_jwe FROM mcp_credential')).toEqual([
    { label: null, subject: null, credential_version: '3', grant_jwe: 'jwe' },
  ]);
});

test('an event of a connection names its account', async () => {
  const { client, select } = await openDatabase();
  await client.query(
    "INSERT INTO mcp_server (id, url, auth_type, max_result_bytes, revision) VALUES ('notes', 'https://notes', 'oauth2', 1, 1)",
  );
  for (const account of ['default', 'work']) {
    await client.query(
      `INSERT INTO mcp_credential (user_id, mcp_server_id, account, server_revision, status, credential_version, token_version)
       VALUES ('ada', 'notes', $1, 1, 'connected', 1, 1)`,
      [account],
    );
  }
  await client.query("UPDATE mcp_server SET revision = 2 WHERE id = 'notes'");

  expect(
    await select('SELECT account, reason FROM mcp_connection_event ORDER BY reason NULLS FIRST, account'),
  ).toEqual([
    { account: 'default', reason: null },
    { account: 'work', reason: null },
    { account: 'default', reason: 'server-changed' },
    { account: 'work', reason: 'server-changed' },
  ]);
});

test('a deposit of an older server fails and stores nothing', async () => {
  const { client, select } = await openDatabase();
  const deposit = `${INSERT_CREDENTIAL} VALUES ('ada', 'notes', 1, 'connected', 1, 1, 'jwe')
    ON CONFLICT (user_id, mcp_server_id) DO UPDATE SET grant_jwe = excluded.grant_jwe`;

  await expect(client.query(deposit)).rejects.toMatchObject({ code: '42P10' });

  expect(await select('SELECT FROM mcp_credential')).toEqual([]);
});

test('the way back deletes the other accounts, and their versions never come again', async () => {
  const { url, client, select } = await openDatabase();
  await client.query(
    `INSERT INTO mcp_credential (user_id, mcp_server_id, account, server_revision, status, credential_version, token_version)
     VALUES ('ada', 'notes', 'default', 1, 'connected', 1, 1), ('ada', 'notes', 'work', 1, 'connected', 7, 8)`,
  );

  await migrateDown(url);

  expect(await select('SELECT credential_version FROM mcp_credential')).toEqual([
    { credential_version: '1' },
  ]);
  expect(await select('SELECT credential_version, token_version FROM mcp_version_floor')).toEqual([
    { credential_version: '7', token_version: '8' },
  ]);
  await client.query(
    `${INSERT_CREDENTIAL} VALUES ('ada', 'notes', 1, 'connected', 1, 1, 'jwe')
     ON CONFLICT (user_id, mcp_server_id) DO NOTHING`,
  );
  expect(await migrate(url)).toContain('0014_accounts');
});
