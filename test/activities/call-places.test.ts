import { afterEach, expect, test, vi } from 'vitest';
import { createCallPlaces } from '../../src/activities/call-places.ts';
import type { Pool } from '../../src/db/pool.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A database that gives a place after so many milliseconds, and the statements that it was sent. */
function slowDatabase(ms: number) {
  const statements: string[] = [];
  const query = async (statement: string) => {
    statements.push(statement);
    if (!statement.includes('mcp_take_call_place')) return { rows: [] };
    return new Promise((resolve) => setTimeout(resolve, ms, { rows: [{ taken: true }] }));
  };
  // The cast leaves out what places do not use.
  return { pool: { query } as unknown as Pool, statements };
}

test.for([
  [20, { kind: 'place', waited: false }, 1],
  [19_000, { kind: 'place', waited: true }, 1],
  [21_000, { kind: 'full' }, 2],
] as const)('a place that comes after %i ms is answered as %j', async ([ms, answer, sent]) => {
  vi.useFakeTimers();
  const { pool, statements } = slowDatabase(ms);
  const entering = createCallPlaces({ pool, logger: { warn: () => {} } }).enter('ledger', 1);

  await vi.advanceTimersByTimeAsync(ms);

  expect(await entering).toMatchObject(answer);
  // A place that comes too late is released at once, after the extensions that were made meanwhile.
  await vi.waitFor(() => expect(statements.filter((one) => !one.includes('held_until'))).toHaveLength(sent), {
    timeout: 20_000,
  });
});
