import { describe, expect, test as plainTest, vi } from 'vitest';
import { noteSinks } from '../../src/changes/note-sinks.ts';
import { readChanges, watchUser } from '../../src/changes/watched-user-store.ts';
import type { PausedStep } from '../../src/contracts/step-log.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createStepLogSinks } from '../../src/logging/step-log-sinks.ts';
import { noteStepChanges } from '../../src/steps/note-step-changes.ts';
import type { StepClient } from '../../src/steps/step-client.ts';
import { createStepSinks } from '../../src/webhooks/step-sinks.ts';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld();
const logger = createLogger({ level: 'silent' });

/** The sinks of a worker without a receiver of webhooks. */
function notedSinks(note: (userId: string) => void) {
  // The cast is safe: nothing is sent.
  const deps = { client: {} as never, taskQueue: 'q', logger };
  return noteSinks({ ...createStepSinks(deps, false), ...createStepLogSinks(logger) }, { note });
}

describe('a worker', () => {
  test("notes a watched user's step when it pauses, calls and ends, and writes nothing for others", async ({
    world,
  }) => {
    const { db } = world.services;
    const [user, unwatched] = [world.users.newUser(), world.users.newUser()];
    let seen = await watchUser(db, user);
    const changed = () =>
      vi.waitFor(
        async () => {
          const change = (await readChanges(db, [user])).get(user) ?? '';
          expect(change).not.toBe(seen);
          seen = change;
        },
        { timeout: 30_000 },
      );

    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');
    await changed();

    const held = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });
    await world.users.connect(user);
    await held.reached();
    await changed();
    held.release();
    await world.steps.until(user, stepId, 'success');
    await changed();

    const other = await world.steps.start(unwatched);
    await world.steps.until(unwatched, other.stepId, 'awaiting-input');
    expect((await readChanges(db, [unwatched])).size).toBe(0);
  });

  plainTest('notes what steps announce, also without a receiver of webhooks', async () => {
    const note = vi.fn();
    const { webhooks } = notedSinks(note);
    const change = { sequence: 1, at: '', data: { userId: 'ada' } };
    // The casts are safe: nothing else is read where nothing is sent.
    await webhooks.stepChanged.fn({} as never, change as never);
    expect(note.mock.calls).toEqual([['ada']]);
  });

  plainTest('notes that a step goes on', () => {
    const note = vi.fn();
    const { stepLog } = notedSinks(note);
    const step: PausedStep = {
      userId: 'ada',
      stepId: 's',
      workflowId: 'w',
      mcpServerId: 'm',
      reason: 'needs-approval',
    };
    // The cast is safe: the sink does not look at the workflow.
    stepLog.resumed.fn({} as never, { ...step, waitedMs: 1 });
    expect(note.mock.calls).toEqual([['ada']]);
  });
});

describe('a server', () => {
  const operations = ['start', 'cancel', 'approve', 'reject', 'resolve'] as const;

  plainTest.for(operations)('notes %s, also where it fails', async (name) => {
    const operation = vi.fn().mockResolvedValueOnce('outcome').mockRejectedValueOnce(new Error('away'));
    const note = vi.fn();
    // The casts are safe: the operations are passed on as they are.
    const steps = noteStepChanges({ [name]: operation } as unknown as StepClient, note);
    const input = { userId: 'ada', stepId: 's' } as never;
    expect(await steps[name](input)).toBe('outcome');
    await expect(steps[name](input)).rejects.toThrow('away');
    expect(note.mock.calls).toEqual([['ada'], ['ada']]);
  });
});
