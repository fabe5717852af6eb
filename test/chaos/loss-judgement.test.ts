import { expect, test } from 'vitest';
import type { Loss, Presentation } from './grant-ledger.ts';
import { type Interruption, judgeLosses, type RefreshEvent, windowHits } from './loss-judgement.ts';

// One refresh of ada's: sent at 1,000 by worker#1, rotated, and its token sent once more by its successor.

const ROTATED: Presentation = { userId: 'ada', token: 'r1', at: 1_002, outcome: 'rotated' };
const STARTED: RefreshEvent = { process: 'worker#1', userId: 'ada', event: 'started', at: 1_000 };

const logged = (event: RefreshEvent['event'], at: number, process = STARTED.process): RefreshEvent => ({
  ...STARTED,
  event,
  at,
  process,
});
const killed = (at: number, process = STARTED.process): Interruption => ({ process, signal: 'SIGKILL', at });
const frozen = (at: number, until: number): Interruption => ({ ...killed(at), signal: 'SIGSTOP', until });

function judge(interruption: Interruption, refreshEvents: RefreshEvent[], lostAt = 30_000) {
  const loss: Loss = { userId: 'ada', at: lostAt, cause: 'a spent token was sent again', spentBy: ROTATED };
  const evidence = { presentations: [ROTATED], losses: [loss], interruptions: [interruption], refreshEvents };
  const [judged] = judgeLosses(evidence);
  return { hits: windowHits(evidence).length, avoidable: judged?.avoidable };
}

const UNAVOIDABLE = { hits: 1, avoidable: false };
const AVOIDABLE = { hits: 0, avoidable: true };

test('a kill of the refreshing process before it stored the answer excuses a loss', () => {
  expect(judge(killed(1_300), [STARTED])).toEqual(UNAVOIDABLE);
  expect(judge(killed(1_300), [STARTED, logged('done', 1_301)])).toEqual(UNAVOIDABLE);
});

test('a freeze excuses a loss if it outlasts the lease and another process takes over only then', () => {
  expect(judge(frozen(1_300, 30_000), [STARTED])).toEqual(UNAVOIDABLE);
  expect(judge(frozen(1_300, 5_000), [STARTED])).toEqual(AVOIDABLE);
  expect(judge(frozen(1_300, 30_000), [STARTED], 4_000)).toEqual({ hits: 1, avoidable: true });
});

test('a kill of another process, before the refresh or after the answer was stored excuses no loss', () => {
  expect(judge(killed(1_300, 'worker#2'), [STARTED])).toEqual(AVOIDABLE);
  expect(judge(killed(900), [STARTED])).toEqual(AVOIDABLE);
  expect(judge(killed(1_300), [STARTED, logged('done', 1_200)])).toEqual(AVOIDABLE);
});

test('a dropped answer excuses no loss even if its process is killed afterwards', () => {
  const dropped = [STARTED, logged('failed', 1_200)];

  expect(judge(killed(1_300), dropped)).toEqual(AVOIDABLE);
  // The second try is a refresh of its own: what hits it excuses nothing of the first.
  const triedAgain = [...dropped, logged('started', 1_200)];
  expect(judge(killed(1_300), triedAgain)).toEqual(AVOIDABLE);
});

test('a second try has a window of its own, also in the millisecond in which the first one failed', () => {
  const first = { ...ROTATED, outcome: 'open' } as const;
  const second = { ...ROTATED, at: 1_003 };
  const refreshEvents = [STARTED, logged('failed', 1_003), logged('started', 1_003)];
  const evidence = { presentations: [first, second], losses: [], refreshEvents };

  expect(windowHits({ ...evidence, interruptions: [killed(1_100)] })).toHaveLength(1);
});

test('what other users and processes log closes no window', () => {
  const others = [{ ...logged('failed', 1_100), userId: 'bob' }, logged('done', 1_100, 'worker#2')];

  expect(judge(killed(1_300), [STARTED, ...others])).toEqual(UNAVOIDABLE);
});

test('a process that logs nothing for longer than a refresh can take has no excuse', () => {
  expect(judge(killed(61_000), [STARTED], 70_000)).toEqual(UNAVOIDABLE);
  expect(judge(killed(80_000), [STARTED], 90_000)).toEqual(AVOIDABLE);
});
