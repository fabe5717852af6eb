import { relative } from 'node:path';
import { type RunnerTestFile, TestRunner } from 'vitest';

/**
 * Tests of what happens when several do things at once, or one dies over it: a run in which they fail has found
 * an order of events that they have not met before. That order is what they are there for, so they are never run
 * once more. Paths begin so.
 */
export const RACES: readonly string[] = [
  'test/credentials/',
  'test/integration/crash-windows.test.ts',
  'test/integration/draining-idle-grants.test.ts',
  'test/integration/draining.test.ts',
  'test/integration/ended-waiters.test.ts',
  'test/integration/idle-grants.test.ts',
  'test/integration/lost-wake-up/',
  'test/integration/one-refresh.test.ts',
  'test/integration/postgres-restart.test.ts',
  'test/integration/races-with-people.test.ts',
  'test/integration/re-auth.test.ts',
  'test/integration/restore/',
  'test/integration/resumption.test.ts',
  'test/integration/slow-token-endpoint.test.ts',
  'test/integration/temporal-outage.test.ts',
  'test/integration/token-endpoint-outages.test.ts',
  'test/integration/token-endpoint-verdicts.test.ts',
  'test/integration/token-lifetimes.test.ts',
  'test/integration/two-database-connections.test.ts',
  'test/integration/worker-clocks.test.ts',
  'test/integration/worker-death.test.ts',
  'test/vault/rotation/rotation-beside-renewals.test.ts',
  'test/vault/rotation/spent-tokens.test.ts',
  'test/tool-calls/side-effects.test.ts',
];

/** Vitest's own, but for races it knows no `retry`. Projects can't say so: each would start servers of its own. */
export default class RaceRunner extends TestRunner {
  override onCollectStart(file: RunnerTestFile): void {
    super.onCollectStart(file);
    const path = relative(this.config.root, file.filepath);
    if (RACES.some((race) => path.startsWith(race))) this.config = { ...this.config, retry: 0 };
  }
}
