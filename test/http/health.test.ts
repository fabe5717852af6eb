import { afterEach, describe, expect, test } from 'vitest';
import { DatabaseUnmigrated } from '../../src/db/migrations.ts';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { createHttpFixture, VERSION } from './http-fixture.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const up = async () => {};
const down = async () => {
  throw new Error('down');
};
const unmigrated = async () => {
  throw new DatabaseUnmigrated(['0008_audit-expiry-path']);
};
const hanging = () => new Promise<void>(() => {});

async function health(checks: HttpDependencies['checks'], isDraining = () => false) {
  const fixture = await createHttpFixture({ deps: { checks, isDraining } });
  closing.push(() => fixture.close());
  return fixture.ask({ url: '/health', user: null });
}

describe('health', () => {
  test('is ok without a token when everything answers', async () => {
    const answer = await health({ postgres: up, temporal: up });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      status: 'ok',
      version: VERSION,
      checks: { postgres: 'ok', temporal: 'ok' },
    });
  });

  test.each([
    ['is down', down],
    ['does not answer', hanging],
  ])('is degraded when Temporal %s', async (_what, temporal) => {
    const answer = await health({ postgres: up, temporal });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ status: 'degraded', checks: { postgres: 'ok', temporal: 'down' } });
  });

  test.each([
    ['is down', down],
    ['does not answer', hanging],
  ])('is a 503 when Postgres %s', async (_what, postgres) => {
    const answer = await health({ postgres, temporal: up });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      code: 'database-unavailable',
      version: VERSION,
      checks: { postgres: 'down', temporal: 'ok' },
    });
  });

  test('is a 503 that says what to do when the database lacks migrations', async () => {
    const answer = await health({ postgres: unmigrated, temporal: up });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      code: 'database-unavailable',
      detail: 'The database lacks migrations: run `latchkey migrate`.',
      checks: { postgres: 'down', temporal: 'ok' },
    });
  });

  test('is a 503 while the process drains, and connections are not kept', async () => {
    const answer = await health({ postgres: up, temporal: up }, () => true);
    expect(answer.statusCode).toBe(503);
    expect(answer.json().code).toBe('draining');
    expect(answer.headers.connection).toBe('close');
  });

  test('checks each service once at a time, however many requests there are', async () => {
    let running = 0;
    let most = 0;
    const postgres = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    const fixture = await createHttpFixture({ deps: { checks: { postgres, temporal: up } } });
    closing.push(() => fixture.close());
    await Promise.all(Array.from({ length: 50 }, () => fixture.ask({ url: '/health', user: null })));
    expect(most).toBe(1);
  });
});
