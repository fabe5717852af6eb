import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import {
  databaseFailure,
  knownDatabaseFailure,
  lastingDatabaseProblem,
} from '../../src/process/cannot-run.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function failureOf(url: string): Promise<unknown> {
  const pool = createPool({ databaseUrl: url, size: 1, onIdleError: () => {} });
  const error = await pool.query('SELECT 1').catch((failure: unknown) => failure);
  await pool.end();
  expect(error).toBeInstanceOf(Error);
  return error;
}

/** Answers the first bytes of each connection with these bytes. */
async function postgresThatAnswers(bytes: string | undefined): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (bytes !== undefined) socket.once('data', () => socket.write(bytes));
    onTestFinished(() => void socket.destroy());
  });
  return `postgres://u:p@${await listening(server)}/x`;
}

/**
 * The same Postgres, whose connections end with the test. `pg` leaves a connection open where the password is missing:
 * Postgres would wait a minute for it, and everything that creates or drops a database waits with Postgres.
 */
async function relayTo(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const end of [socket, upstream]) {
      end.on('error', () => {});
      onTestFinished(() => void end.destroy());
    }
    socket.pipe(upstream).pipe(socket);
  });
  const relayed = new URL(url);
  relayed.host = await listening(server);
  return relayed.href;
}

/** @see https://www.postgresql.org/docs/current/protocol-message-formats.html ErrorResponse */
function refusal(code: string, message: string): string {
  const fields = `SFATAL\0C${code}\0M${message}\0\0`;
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + fields.length);
  return `E${length.toString('latin1')}${fields}`;
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('lasts', () => {
  test('a Postgres without TLS where TLS is wanted', async () => {
    const error = await failureOf(`${database.url}?sslmode=require`);
    expect(lastingDatabaseProblem(error)).toMatch(/speaks no TLS.*DATABASE_URL/);
    expect(knownDatabaseFailure(error)?.message).toMatch(/speaks no TLS/);
  });

  test('a password that is asked for and missing', async () => {
    const url = new URL(await relayTo(database.url));
    url.password = '';
    const { PGPASSWORD } = process.env;
    expect(PGPASSWORD).toBeUndefined();
    expect(lastingDatabaseProblem(await failureOf(url.href))).toMatch(/password.*DATABASE_URL/);
  });

  test.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_HAS_EXPIRED',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('a certificate that is refused with %s', (code) => {
    const error = Object.assign(new Error('text of another system'), { code });
    expect(lastingDatabaseProblem(error)).toMatch(new RegExp(`certificate.*\\(${code}\\).*DATABASE_URL`));
  });

  test('a PgBouncer that does not ignore the parameter of the connection', async () => {
    const words = 'unsupported startup parameter: statement_timeout';
    const error = await failureOf(await postgresThatAnswers(refusal('08P01', words)));
    expect(lastingDatabaseProblem(error)).toMatch(/set ignore_startup_parameters = statement_timeout/);
  });

  test('any other refusal, by its code and without its words', async () => {
    const error = await failureOf(await postgresThatAnswers(refusal('0A000', 'secret-words')));
    expect(lastingDatabaseProblem(error)).toMatch(/^Postgres can't be used \(0A000\).*DATABASE_URL/);
    expect(knownDatabaseFailure(error)?.message).not.toContain('secret-words');
  });
});

test('a Postgres that accepts and stays silent is away, for a pool and for migrations', async () => {
  const url = await postgresThatAnswers(undefined);
  const errors = await Promise.all([failureOf(url), migrate(url).catch((error: unknown) => error)]);
  for (const error of errors) {
    expect(lastingDatabaseProblem(error)).toBeUndefined();
    expect(databaseFailure(error).message).toMatch(/^Postgres can't be reached/);
  }
});

test('an error of our own is not taken for one of Postgres', () => {
  expect(knownDatabaseFailure(new TypeError('x is not a function'))).toBeUndefined();
  expect(knownDatabaseFailure(Object.assign(new Error('no'), { code: 'ENOENT' }))).toBeUndefined();
});
