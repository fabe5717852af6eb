import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { startDeadline, withDeadline } from '../../src/async/deadline.ts';

setFlagsFromString('--expose_gc');
// The cast names what the flag adds.
const collectGarbage = runInNewContext('gc') as () => void;

describe('a deadline', () => {
  test('fires after its objects were collected, with and without a parent', async () => {
    const parent = new AbortController();
    const fired = Array.from({ length: 20 }, (_, index) =>
      untilAborted(startDeadline(300, index % 2 === 0 ? parent.signal : undefined).signal),
    );

    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();

    const reasons = await Promise.all(fired);
    expect(reasons).toHaveLength(20);
    for (const reason of reasons) expect(reason).toMatchObject({ name: 'TimeoutError' });
  });

  test('ends with its parent, for the reason of the parent', async () => {
    const parent = new AbortController();
    const aborted = untilAborted(startDeadline(60_000, parent.signal).signal);

    parent.abort('cancelled');

    expect(await aborted).toBe('cancelled');
  });

  test('of an aborted parent is aborted at once', () => {
    expect(startDeadline(60_000, AbortSignal.abort('cancelled')).signal).toMatchObject({
      aborted: true,
      reason: 'cancelled',
    });
  });

  test('that was cleared never fires, not even with its parent', async () => {
    const parent = new AbortController();
    const { signal, clear } = startDeadline(1, parent.signal);
    const later = startDeadline(20);

    clear();
    parent.abort();
    await untilAborted(later.signal);

    expect(signal.aborted).toBe(false);
  });

  test('leaves no listener on a parent that outlives it', async () => {
    const parent = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = parent.signal;
    parent.signal.addEventListener = function (...args: Parameters<typeof addEventListener>) {
      listeners += 1;
      addEventListener.apply(this, args);
    };
    parent.signal.removeEventListener = function (...args: Parameters<typeof removeEventListener>) {
      listeners -= 1;
      removeEventListener.apply(this, args);
    };

    await withDeadline({ ms: 60_000, parent: parent.signal }, async () => 'done');
    await untilAborted(startDeadline(1, parent.signal).signal);

    expect(listeners).toBeLessThanOrEqual(0);
  });
});

// Holds only the promise, as a long poll does, not the signal or the deadline.
function untilAborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
}
