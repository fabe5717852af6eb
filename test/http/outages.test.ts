import { afterEach, describe, expect, test } from 'vitest';
import { isDatabaseUnavailable } from '../../src/db/database-errors.ts';
import { createPool } from '../../src/db/pool.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  createHttpFixture,
  DEPOSIT,
  type FixtureOptions,
  type HttpFixture,
  registerServer,
} from './http-fixture.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function createFixture(options?: FixtureOptions): Promise<HttpFixture> {
  const fixture = await createHttpFixture(options);
  closing.push(() => fixture.close());
  return fixture;
}

describe('while Postgres is down', () => {
  test('requests that need it are a 503 that says so and does not quote it', async () => {
    const fixture = await createFixture({ deps: { servers: await storeOfNoDatabase() } });
    const answer = await fixture.askAsAdmin({ url: '/mcp-servers' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json().code).toBe('database-unavailable');
    expect(answer.headers['retry-after']).toBeDefined();
    expect(answer.body).not.toContain('ECONNREFUSED');
  });

  test('many requests log one warning', async () => {
    const fixture = await createFixture({ deps: { servers: await storeOfNoDatabase() } });
    for (let request = 0; request < 5; request += 1) await fixture.askAsAdmin({ url: '/mcp-servers' });
    const lines = fixture.logged().split('\n');
    expect(lines.filter((line) => line.includes('"level":"warn"'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('"status":503'))).toHaveLength(5);
  });

  test('a database that lacks migrations is a 503 that says what to do', async () => {
    const database = await createTestDatabase();
    closing.push(database.drop);
    const pool = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => {} });
    closing.push(() => pool.end());
    await pool.query('DROP TABLE mcp_server CASCADE');
    const servers = createServerStore(pool, VAULT);
    const fixture = await createFixture({ deps: { servers } });
    const answer = await fixture.askAsAdmin({ url: '/mcp-servers' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      code: 'database-unavailable',
      detail: 'The database lacks migrations: run `latchkey migrate`.',
    });
  });

  test('a step is not started', async () => {
    const fixture = await createFixture({ deps: { servers: await storeOfNoDatabase() } });
    const payload = { mcpServerId: 'notes', tool: 't' };
    const answer = await fixture.ask({ method: 'POST', url: '/steps', payload });
    expect(answer.statusCode).toBe(503);
    expect(fixture.steps.started).toEqual([]);
  });

  test('a shutdown in the middle of a statement counts as an outage, and a wrong statement does not', async () => {
    const database = await createTestDatabase();
    const pool = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => {} });
    const failureOf = (sql: string) =>
      pool.query(sql).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(isDatabaseUnavailable(await failureOf('SELECT nonsense'))).toBe(false);
    expect(isDatabaseUnavailable(await failureOf('SELECT pg_terminate_backend(pg_backend_pid())'))).toBe(
      true,
    );
    await pool.end();
    await database.drop();
  });
});

describe('a code of Postgres', () => {
  const failure = (code: string) => Object.assign(new Error('in its own words'), { code });

  test.each([
    ...['08006', '08P01', '25006', '25P03', '28P01', '3D000', '40001', '40P01', '42501'],
    ...['53100', '53200', '53300', '55P03', '57014', '57P01', '57P02', '57P03', '57P05', '58030', 'XX000'],
  ])('%s is a 503 that says that the database is unavailable', async (code) => {
    const listConnections = () => Promise.reject(failure(code));
    const fixture = await createFixture({ deps: { listConnections } });
    const answer = await fixture.ask({ url: '/mcp-oauth-credentials' });
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'database-unavailable']);
    expect(answer.body).not.toContain('its own words');
  });

  test.each(['23505', '42601', '25001', '22P02'])('%s is a 500', (code) => {
    expect(isDatabaseUnavailable(failure(code))).toBe(false);
  });
});

describe('while Temporal is down', () => {
  const down = async () => {
    throw new TemporalUnavailable({ cause: new Error('14 UNAVAILABLE: secret-host:7233') });
  };
  const steps = {
    ...{ start: down, get: down, show: down, summarize: down, waitForChange: down, cancel: down },
    ...{ list: down, listUndecided: down, listAll: down },
    ...{ approve: down, reject: down, resolve: down, resolveMany: down },
  };

  test.each([
    ['POST', '/steps', { mcpServerId: 'notes', tool: 't' }],
    ['GET', '/steps'],
    ['GET', '/steps/s1'],
    ['GET', '/steps/s1?wait=1s'],
    ['DELETE', '/steps/s1'],
    ['POST', '/steps/s1/approve', {}],
    ['POST', '/steps/s1/reject', {}],
    ['POST', '/steps/s1/resolve', { action: 'retry' }],
  ] as const)('%s %s is a 503 that says so', async (method, url, payload?: object) => {
    const fixture = await createFixture({ deps: { steps } });
    await registerServer(fixture, 'notes');
    const answer = await fixture.ask({ method, url, ...(payload && { payload }) });
    expect(answer.statusCode).toBe(503);
    expect(answer.json().code).toBe('temporal-unavailable');
    expect(answer.headers['retry-after']).toBeDefined();
    expect(answer.body).not.toContain('secret-host');
  });

  test('deposits are still stored', async () => {
    const fixture = await createFixture({ deps: { steps } });
    await registerServer(fixture, 'notes');
    const answer = await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload: DEPOSIT });
    expect(answer.statusCode).toBe(200);
  });
});

describe('an unexpected failure', () => {
  test('is a 500 that says nothing, and a log line that says all under the same id', async () => {
    const listConnections = async () => {
      throw new Error('column "secret_jwe" does not exist');
    };
    const fixture = await createFixture({ deps: { listConnections } });
    const answer = await fixture.ask({ url: '/mcp-oauth-credentials' });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'Something went wrong on our side.',
      code: 'internal',
      instance: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
    });
    const line = fixture
      .logged()
      .split('\n')
      .find((text) => text.includes('request failed'));
    expect(line).toContain('does not exist');
    expect(line).toContain(answer.json().instance.replace('urn:uuid:', ''));
  });

  test('that looks like a refusal of the framework is still a 500', async () => {
    const listConnections = async () => {
      throw Object.assign(new Error('x'), { statusCode: 302 });
    };
    const fixture = await createFixture({ deps: { listConnections } });
    expect((await fixture.ask({ url: '/mcp-oauth-credentials' })).statusCode).toBe(500);
  });
});

/** A store whose Postgres does not listen, on a free port. */
const VAULT = {
  seal: async () => '',
  open: async () => ({ kind: 'undecryptable' as const }),
  sealInPieces: () => Promise.reject(new Error('nothing large is kept here')),
  openInPieces: () => Promise.reject(new Error('nothing large is kept here')),
};

async function storeOfNoDatabase() {
  const pool = createPool({ databaseUrl: 'postgres://x:x@127.0.0.1:1/x', size: 1, onIdleError: () => {} });
  closing.push(() => pool.end());
  return createServerStore(pool, VAULT);
}
