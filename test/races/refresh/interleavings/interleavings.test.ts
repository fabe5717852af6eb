import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import {
  AMENDED_WRITE_BACK,
  EXTENSION,
  LEASE,
  LEASE_ACROSS_DEPOSITS,
  type Removal,
  rewritten,
  VERDICT_FENCES,
  WRITE_BACK_FENCES,
  WRITE_BACK_FENCES_BUT_LEASE,
} from '../removed-guards.ts';
import { createExplorationFixture, type ExplorationFixture } from './exploration-fixture.ts';
import { REFUSING, SLOW, SMALL, TWO } from './explorations.ts';
import { LIMIT_MS, readable, testInEveryOrder } from './in-every-order.ts';
import type { Scenario } from './scenario.ts';

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

describe('with a guard taken out, the same look finds what goes wrong (negative control)', () => {
  // What the guard is there for, and nothing else: an explorer that trips over its own feet shows nothing.
  const sentTwice = 'r1 is sent twice, and nobody had failed';
  const controls: [string, Removal[], Scenario, string][] = [
    ['no lease', LEASE, TWO, sentTwice],
    ['a lease that is not extended', EXTENSION, { ...TWO, ...SLOW }, sentTwice],
    [
      'a write-back without fences',
      WRITE_BACK_FENCES,
      { ...TWO, users: ['deposit'] },
      'puts r2 in the place of d1',
    ],
    [
      'a write-back that needs the lease',
      WRITE_BACK_FENCES_BUT_LEASE,
      REFUSING,
      'r1 is dead, and nobody had failed',
    ],
    [
      'a write-back that a change of other fields overtakes',
      AMENDED_WRITE_BACK,
      { ...TWO, users: ['deposit-changed'] },
      sentTwice,
    ],
    [
      'a change of other fields that ends the lease',
      LEASE_ACROSS_DEPOSITS,
      { ...TWO, users: ['deposit-changed'] },
      sentTwice,
    ],
    ['a verdict without fences', VERDICT_FENCES, REFUSING, 'asks the user although r2 is good'],
  ];

  test.each(controls)('%s', { timeout: LIMIT_MS }, async (_guard, removals, scenario, wrong) => {
    const found = await fixture.exploreWithout(rewritten(removals), scenario);

    expect(found.failure?.wrong, readable(found)).toBe(wrong);
  });
});
