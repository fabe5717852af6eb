import { expect, test, vi } from 'vitest';
import { createListBudget, type ListReading } from '../../src/tools/list-budget.ts';

const QUICK = { waitMs: 50 };

async function entered(reading: Promise<ListReading | undefined>): Promise<ListReading> {
  const found = await reading;
  if (found === undefined) throw new Error('there is no room');
  return found;
}

test('lists that exceed the budget together end the latest requests, and the earliest continue', async () => {
  const budget = createListBudget({ maxBytes: 100 });
  const readings = await Promise.all(['ada', 'bob', 'cyd', 'dan'].map((user) => entered(budget.enter(user))));
  const [first, second, third] = readings;
  const aborted = () => readings.map(({ signal }) => signal.aborted);

  first?.received(40);
  second?.received(30);
  third?.received(30);
  expect(aborted()).toEqual([false, false, false, false]);
  first?.received(20);
  // The last one holds nothing, so ending it would not make room.
  expect(aborted()).toEqual([false, false, true, false]);
  third?.received(1_000);
  first?.received(10);
  expect(aborted()).toEqual([false, false, true, false]);
  first?.received(1);
  expect(aborted()).toEqual([false, true, true, false]);
});

test('a list that exceeds the budget alone ends its request', async () => {
  const budget = createListBudget({ maxBytes: 100 });
  const only = await entered(budget.enter('ada'));
  only.received(101);
  expect(only.signal.aborted).toBe(true);
});

test('no request begins while half of the bytes are taken, and one that waits begins once they are given back', async () => {
  const budget = createListBudget({ maxBytes: 100, waitMs: 60_000 });
  const first = await entered(budget.enter('ada'));
  first.received(50);
  const began = vi.fn();
  const waiting = budget.enter('bob').then(began);
  await new Promise(setImmediate);
  expect(began).not.toHaveBeenCalled();

  first.end();

  await waiting;
  expect(began).toHaveBeenCalledWith(expect.objectContaining({ received: expect.any(Function) }));
});

test('a request that has waited too long is turned away, and so is one behind too many', async () => {
  const budget = createListBudget({ ...QUICK, maxRequests: 1, maxWaiting: 1 });
  await entered(budget.enter('ada'));
  const waited = budget.enter('bob');
  expect(await budget.enter('cyd')).toBeUndefined();
  expect(await waited).toBeUndefined();
});

test("one user gets a limited share, and that user's waiting requests do not delay others", async () => {
  const budget = createListBudget({ ...QUICK, maxRequests: 3, maxRequestsOfAUser: 2 });
  const first = await entered(budget.enter('ada'));
  await entered(budget.enter('ada'));
  expect(await budget.enter('ada')).toBeUndefined();
  const third = budget.enter('ada');
  await entered(budget.enter('bob'));
  first.end();
  await entered(third);
});

test('bytes given back twice count once, and bytes after the end do not count', async () => {
  const budget = createListBudget({ ...QUICK, maxBytes: 100, maxRequests: 2 });
  const first = await entered(budget.enter('ada'));
  first.received(30);
  first.end();
  first.end();
  first.received(1_000);
  await entered(budget.enter('ada'));
  await entered(budget.enter('bob'));
  expect(await budget.enter('cyd')).toBeUndefined();
});
