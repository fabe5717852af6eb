import { expect, test, vi } from 'vitest';
import type { CountedBytes, MemoryShare } from '../../src/async/memory-budget.ts';
import { createListBudget } from '../../src/tools/list-budget.ts';

const SHORT_WAIT = { waitMs: 50 };

async function entered(reading: Promise<MemoryShare | undefined>): Promise<MemoryShare> {
  const found = await reading;
  if (found === undefined) throw new Error('there is no room');
  return found;
}

const aborted = (...lists: CountedBytes[]) => lists.map(({ signal }) => signal.aborted);

test('lists that are too much together cost the largest list that is still being read', async () => {
  const budget = createListBudget({ maxBytes: 100, maxBytesPerUser: 100 });
  const readings = await Promise.all(['ada', 'bob', 'cyd'].map((user) => entered(budget.enter(user))));
  const [first, second, third] = readings.map((reading) => reading.begin()) as [
    CountedBytes,
    CountedBytes,
    CountedBytes,
  ];

  first.received(20);
  second.received(50);
  third.received(30);
  expect(aborted(first, second, third)).toEqual([false, false, false]);
  first.received(1);
  expect(aborted(first, second, third)).toEqual([false, true, false]);
  // A list that has been read is part of an answer: giving it up would return nothing.
  third.finish();
  first.received(60);
  expect(aborted(first, second, third)).toEqual([true, true, false]);
});

test('a flood costs the user who asked for it, however early that user came', async () => {
  const budget = createListBudget({ maxBytes: 100, maxBytesPerUser: 40 });
  const flooded = (await entered(budget.enter('mallory'))).begin();
  const others = await Promise.all(['ada', 'bob'].map((user) => entered(budget.enter(user))));
  const lists = others.map((reading) => reading.begin());
  for (const list of lists) list.received(25);

  flooded.received(41);

  expect(flooded.signal.aborted).toBe(true);
  expect(aborted(...lists)).toEqual([false, false]);
});

test('one user who does not read answers leaves room for others', async () => {
  const budget = createListBudget({ ...SHORT_WAIT, maxBytes: 100, maxBytesPerUser: 50 });
  for (let n = 0; n < 4; n += 1) {
    const list = (await budget.enter('mallory'))?.begin();
    list?.received(25);
    list?.finish();
  }
  expect(await budget.enter('mallory')).toBeUndefined();

  const list = (await entered(budget.enter('ada'))).begin();
  list.received(25);
  expect(list.signal.aborted).toBe(false);
});

test('bytes of a message that is not the answer are returned', async () => {
  const budget = createListBudget({ maxBytes: 100, maxBytesPerUser: 100 });
  const list = (await entered(budget.enter('ada'))).begin();
  for (let n = 0; n < 10; n += 1) {
    list.received(60);
    list.received(-60);
  }
  expect(list.signal.aborted).toBe(false);
});

test('a request waits while three quarters of the bytes are held, and begins once a list is discarded', async () => {
  const budget = createListBudget({ maxBytes: 100, maxBytesPerUser: 100, waitMs: 60_000 });
  const list = (await entered(budget.enter('ada'))).begin();
  list.received(75);
  const began = vi.fn();
  const waiting = budget.enter('bob').then(began);
  await new Promise(setImmediate);
  expect(began).not.toHaveBeenCalled();

  list.discard();

  await waiting;
  expect(began).toHaveBeenCalledWith(expect.objectContaining({ begin: expect.any(Function) }));
});

test('a request that has waited too long is refused, and so is one behind too many', async () => {
  const budget = createListBudget({ ...SHORT_WAIT, maxRequests: 1, maxWaiting: 1 });
  await entered(budget.enter('ada'));
  const waited = budget.enter('bob');
  expect(await budget.enter('cyd')).toBeUndefined();
  expect(await waited).toBeUndefined();
});

test('one user who waits leaves room for others to wait', async () => {
  const budget = createListBudget({ maxRequests: 1, maxWaiting: 3, maxWaitingPerUser: 2, waitMs: 60_000 });
  const first = await entered(budget.enter('mallory'));
  const flood = [budget.enter('mallory'), budget.enter('mallory')];
  expect(await budget.enter('mallory')).toBeUndefined();
  const other = budget.enter('ada');
  first.end();
  for (const waited of [...flood, other]) (await entered(waited)).end();
});

test('one user has no more than a share of the requests, and does not delay others by waiting', async () => {
  const budget = createListBudget({ ...SHORT_WAIT, maxRequests: 3, maxRequestsPerUser: 2 });
  const first = await entered(budget.enter('ada'));
  await entered(budget.enter('ada'));
  expect(await budget.enter('ada')).toBeUndefined();
  const third = budget.enter('ada');
  await entered(budget.enter('bob'));
  first.end();
  await entered(third);
});

test('an end counts once, and bytes after it count nothing', async () => {
  const budget = createListBudget({ ...SHORT_WAIT, maxBytes: 100, maxRequests: 2 });
  const first = await entered(budget.enter('ada'));
  const list = first.begin();
  list.received(30);
  first.end();
  first.end();
  list.received(1_000);
  expect(first.begin().signal.aborted).toBe(true);
  await entered(budget.enter('ada'));
  await entered(budget.enter('bob'));
  expect(await budget.enter('cyd')).toBeUndefined();
});

test('an answer of known size begins as soon as it fits, and is never given up', async () => {
  const budget = createListBudget({ ...SHORT_WAIT, maxBytes: 100, maxBytesPerUser: 60 });
  const first = await entered(budget.enter('ada', 50));
  expect(await budget.enter('ada', 11)).toBeUndefined();
  await entered(budget.enter('ada', 10));
  await entered(budget.enter('bob', 40));
  expect(await budget.enter('cyd', 1)).toBeUndefined();

  const waiting = budget.enter('cyd', 50);
  first.end();
  const list = (await entered(waiting)).begin();
  // The known bytes stay: what comes on top is given up.
  list.received(1);
  expect(list.signal.aborted).toBe(true);
});

test('an answer that is larger than the budget is sent alone', async () => {
  const budget = createListBudget({ ...SHORT_WAIT, maxBytes: 100, maxBytesPerUser: 60 });
  const large = await entered(budget.enter('ada', 200));
  expect(await budget.enter('bob', 1)).toBeUndefined();
  large.end();
  await entered(budget.enter('bob', 1));
  expect(await budget.enter('ada', 200)).toBeUndefined();
});

test('a larger answer may be read for longer', async () => {
  const budget = createListBudget({ sendMs: 1_000, sendMsPerMib: 500 });
  expect((await entered(budget.enter('ada', 3 * 1024 * 1024))).sendMs).toBe(2_500);
  expect((await entered(budget.enter('ada'))).sendMs).toBe(1_000);
});

test('what was cut off a list that has been read is returned, and what is left counts', async () => {
  const budget = createListBudget({ maxBytes: 100, maxBytesPerUser: 100 });
  const reading = await entered(budget.enter('ada'));
  for (let n = 0; n < 9; n += 1) {
    const list = reading.begin();
    list.received(60);
    expect(list.signal.aborted).toBe(false);
    list.finish(5);
  }
  const last = reading.begin();
  last.received(56);
  expect(last.signal.aborted).toBe(true);
});
