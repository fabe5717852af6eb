import { describe, expect } from 'vitest';
import { createSignalPace, inBatches, SIGNALS_AT_ONCE } from '../../src/temporal/signal-pace.ts';
import { clientWithHandles } from '../support/client-with-handles.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld({ withoutWorker: true });

const NEVER_ENDS_MS = 600_000;
const NEVER_STOPPED = new AbortController().signal;

/** Starts a workflow. Its task waits, because there is no worker. */
async function startWaiting({ steps, users }: World): Promise<string> {
  return (await steps.start(users.newUser())).workflowId;
}

/** The same client, which notes the workflows that it describes. */
function notingDescriptions({ temporal }: World) {
  const described: string[] = [];
  const client = clientWithHandles(temporal.client, (handle) => ({
    describe() {
      described.push(handle.workflowId);
      return handle.describe();
    },
  }));
  return { described, client };
}

describe('the pace of signals', () => {
  test('lets two batches wait for workers, and goes on when a worker takes the first', async ({ world }) => {
    const { client, described } = notingDescriptions(world);
    const first = [await startWaiting(world), await startWaiting(world)];
    const second = await startWaiting(world);
    const pace = createSignalPace(client, NEVER_STOPPED, NEVER_ENDS_MS);
    await pace.keep(first);
    expect(described).toEqual([]);

    let isKept = false;
    const kept = pace.keep([second]).then(() => {
      isKept = true;
    });
    // A few looks, each of which found the task waiting.
    await expect.poll(() => described.length).toBeGreaterThan(3);
    expect(isKept).toBe(false);

    const worker = await world.startWorker();
    await kept;
    await worker.stop();
    expect(new Set(described)).toEqual(new Set(first.slice(-1)));
  });

  test('gives up after a while without a worker', async ({ world }) => {
    const { client, described } = notingDescriptions(world);
    const pace = createSignalPace(client, NEVER_STOPPED, 100);
    await pace.keep([await startWaiting(world)]);

    await pace.keep(['the next']);

    expect(described.length).toBeGreaterThan(0);
  });

  test('looks at no further batch after three that no worker took', async ({ world }) => {
    const { client, described } = notingDescriptions(world);
    const waiting = await Promise.all(Array.from({ length: 5 }, () => startWaiting(world)));
    const pace = createSignalPace(client, NEVER_STOPPED, 50);

    for (const workflowId of waiting) await pace.keep([workflowId]);

    expect([...new Set(described)]).toEqual(waiting.slice(0, 3));
  });

  test('does not wait for a Temporal that does not answer', async ({ world }) => {
    const described: string[] = [];
    const client = clientWithHandles(world.temporal.client, ({ workflowId }) => ({
      describe() {
        described.push(workflowId);
        return Promise.reject(new Error('no answer'));
      },
    }));
    const pace = createSignalPace(client, NEVER_STOPPED, NEVER_ENDS_MS);

    for (const workflowId of ['1', '2', '3', '4', '5']) await pace.keep([workflowId]);

    expect(described).toEqual(['1', '2', '3']);
  });

  test('does not wait for a workflow that is not there', async ({ world }) => {
    const { client, described } = notingDescriptions(world);
    const pace = createSignalPace(client, NEVER_STOPPED, NEVER_ENDS_MS);
    await pace.keep(['not there']);

    await pace.keep(['the next']);

    expect(described).toEqual(['not there']);
  });

  test('ends its wait when it is stopped', async ({ world }) => {
    const { client, described } = notingDescriptions(world);
    const stop = new AbortController();
    const pace = createSignalPace(client, stop.signal, NEVER_ENDS_MS);
    await pace.keep([await startWaiting(world)]);
    const kept = pace.keep(['the next']);
    await expect.poll(() => described.length).toBeGreaterThan(0);

    stop.abort();

    await expect(kept).resolves.toBeUndefined();
  });
});

test.for([
  [0, []],
  [1, [1]],
  [SIGNALS_AT_ONCE, [SIGNALS_AT_ONCE]],
  [2 * SIGNALS_AT_ONCE + 1, [SIGNALS_AT_ONCE, SIGNALS_AT_ONCE, 1]],
] as const)('%i workflows are signalled in batches of %j', ([count, sizes]) => {
  const all = Array.from({ length: count }, (_, index) => `${index}`);
  const batches = [...inBatches(all, SIGNALS_AT_ONCE)];

  expect(batches.map(({ length }) => length)).toEqual(sizes);
  expect(batches.flat()).toEqual(all);
});
