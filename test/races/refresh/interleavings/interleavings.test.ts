import { afterAll, beforeAll, describe } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { FAST_CONTROLS } from './controls.ts';
import { createExplorationStand, type ExplorationStand } from './exploration-stand.ts';
import { SMALL } from './explorations.ts';
import { testControls, testInEveryOrder } from './in-every-order.ts';

let database: TestDatabase;
let stand: ExplorationStand;

beforeAll(async () => {
  database = await createTestDatabase();
  stand = await createExplorationStand(database.url);
});

afterAll(async () => {
  await stand.stop();
  await database.drop();
});

describe('in every order in which two processes, their users and their servers can act', () => {
  testInEveryOrder(SMALL, () => stand);
});

describe('with a guard taken out, the same look finds what goes wrong (negative control)', () => {
  testControls(FAST_CONTROLS, () => stand);
});
