import { afterAll, beforeAll, describe } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { SLOW_CONTROLS } from './controls.ts';
import { createExplorationFixture, type ExplorationFixture } from './exploration-fixture.ts';
import { LARGE, LONG } from './explorations.ts';
import { testControls, testInEveryOrder } from './in-every-order.ts';

/** `npm run test:long` */
const isLong = process.env.LATCHKEY_TEST_LONG === 'on';

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
  testInEveryOrder({ ...LARGE, ...(isLong && LONG) }, () => fixture, isLong);
});

describe('with a guard taken out, the same look finds what goes wrong (negative control)', () => {
  testControls(SLOW_CONTROLS, () => fixture, isLong);
});
