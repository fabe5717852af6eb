import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { FAST_CONTROLS } from './controls.ts';
import { createExplorationFixture, type ExplorationFixture } from './exploration-fixture.ts';
import { SMALL, TWO } from './explorations.ts';
import { testControls, testInEveryOrder } from './in-every-order.ts';
import { KEY, WORK } from './scenario.ts';

let database: TestDatabase;
let fixture: ExplorationFixture;

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = await createExplorationFixture(database.url);
});

afterAll(async () => {
  await fixture.stop();
  await database.drop();
});

describe('in every order in which two processes, their users and their servers can act', () => {
  testInEveryOrder(SMALL, () => fixture);
});

describe('beside another account of the same user, whose row is never touched', () => {
  const { 'nobody fails': _, 'nobody fails, without rotation': __, ...explorations } = SMALL;
  let own: TestDatabase;
  let beside: ExplorationFixture;

  beforeAll(async () => {
    own = await createTestDatabase();
    beside = await createExplorationFixture(own.url, { explored: WORK, neighbour: KEY });
  });

  afterAll(async () => {
    await beside.stop();
    await own.drop();
  });

  testInEveryOrder(explorations, () => beside);

  test('a statement that does not tell the accounts apart is found (negative control)', async () => {
    const found = beside.exploreWithout(anyAccount, { ...TWO });
    await expect(found).rejects.toThrow('a statement changed the row of another account');
  });
});

/** Of all statements but those of deposits, so that there is a row. */
function anyAccount(sql: string): string {
  return sql.replace(
    "AND account = $3 AND status = 'connected'",
    "AND $3::text IS NOT NULL AND status = 'connected'",
  );
}

describe('with a guard taken out, the same look finds what goes wrong (negative control)', () => {
  testControls(FAST_CONTROLS, () => fixture);
});
