import { expect, test } from 'vitest';
import type { ExplorationFixture } from './exploration-fixture.ts';
import type { Expected } from './explorations.ts';
import type { Exploration } from './explore.ts';

export const LIMIT_MS = 300_000;

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

export function readable({ failure }: Exploration): string | undefined {
  return failure && [...failure.schedule, `=> ${failure.wrong}`].join('\n');
}
