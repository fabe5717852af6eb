import { expect, test } from 'vitest';
import { rewritten } from '../removed-guards.ts';
import type { Control } from './controls.ts';
import type { ExplorationFixture } from './exploration-fixture.ts';
import type { Expected } from './explorations.ts';
import type { Exploration } from './explore.ts';

const LIMIT_MS = 300_000;

/** One test for each exploration. */
export function testInEveryOrder(
  explorations: Record<string, Expected>,
  fixture: () => ExplorationFixture,
  tells = false,
): void {
  test.each(Object.entries(explorations))(
    'no grant is lost that could be kept, and no step waits for good: %s',
    { timeout: LIMIT_MS },
    async (_name, { scenario, states, losses = [] }) => {
      const found = await fixture().explore(scenario);

      expect(readable(found)).toBeUndefined();
      expect(found.states).toBeGreaterThanOrEqual(states);
      expect(Object.keys(found.losses).sort()).toEqual(losses.toSorted());
      if (tells) console.log(JSON.stringify({ scenario, ...found, lossSchedules: undefined }));
    },
  );
}

/** With a guard taken out, the explorer finds what goes wrong (negative control). */
export function testControls(controls: Control[], fixture: () => ExplorationFixture, tells = false): void {
  test.each(controls)('%s', { timeout: LIMIT_MS }, async (_guard, removals, scenario, wrong) => {
    const found = await fixture().exploreWithout(rewritten(removals), scenario);

    expect(found.failure?.wrong, readable(found)).toBe(wrong);
    if (tells) console.log(readable(found));
  });
}

function readable({ failure }: Exploration): string | undefined {
  return failure && [...failure.schedule, `=> ${failure.wrong}`].join('\n');
}
