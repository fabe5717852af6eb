import type { Scenario } from './scenario.ts';

/** Two processes that renew one token once each, at a server that detects reuse and answers within 2 s. */
export const TWO: Scenario = {
  server: 'reuse-detection',
  renewals: [1, 1],
  users: [],
  faults: [],
  budget: 0,
  patience: 2,
};
/** Answers may take longer than the lease is good for. */
export const SLOW = { patience: 20 };

export interface Expected {
  scenario: Scenario;
  /** States that there are at least: an explorer that looks nowhere finds nothing. */
  states: number;
  /** What users may be told of grants that nobody could have saved. Default: none is lost. */
  losses?: string[];
}

/** A rotation is lost with whom it was for; or somebody's late request spends the token once more. */
const UNAVOIDABLE = ['refresh-outcome-lost', 'invalid-grant'];

function fault(kind: Scenario['faults'][number], more: Partial<Scenario> = {}): Scenario {
  return { ...TWO, faults: [kind], budget: 1, ...more };
}

/** A spent token costs nothing but itself: what a frozen process brings back is good. */
export const REFUSING = fault('freeze', { server: 'refusal' });

/** A few seconds each. */
export const SMALL: Record<string, Expected> = {
  'nobody fails': { scenario: { ...TWO, ...SLOW, renewals: [1, 2] }, states: 3_000 },
  'nobody fails, without rotation': {
    scenario: { ...TWO, ...SLOW, renewals: [1, 2], server: 'no-rotation' },
    states: 3_000,
  },
  'a connection breaks': { scenario: fault('broken-connection'), states: 2_000, losses: UNAVOIDABLE },
  'the user deposits what is there, with another field, and spent tokens are refused': {
    scenario: { ...TWO, server: 'refusal', users: ['deposit-changed'] },
    states: 1_800,
  },
};

/** Of up to 45,000 states. */
export const LARGE: Record<string, Expected> = {
  'nobody fails, and spent tokens are refused': {
    scenario: { ...TWO, ...SLOW, renewals: [1, 2], server: 'refusal' },
    states: 3_000,
  },
  'both processes crash': { scenario: fault('crash', { budget: 2 }), states: 2_500, losses: UNAVOIDABLE },
  'the user deposits, and a process crashes': {
    scenario: fault('crash', { users: ['deposit'] }),
    states: 3_000,
    losses: UNAVOIDABLE,
  },
  'a process crashes': { scenario: fault('crash', SLOW), states: 7_000, losses: UNAVOIDABLE },
  'a process crashes, with a grace period longer than a lease': {
    scenario: fault('crash', { server: 'grace' }),
    states: 5_000,
    // A request of who has crashed may arrive when the grace is over.
    losses: UNAVOIDABLE,
  },
  'a process crashes, without rotation': {
    scenario: fault('crash', { ...SLOW, server: 'no-rotation' }),
    states: 6_000,
  },
  'the user deposits what is there': {
    scenario: { ...TWO, ...SLOW, users: ['deposit-same'] },
    states: 5_000,
  },
  'the user deposits what is there, with another field': {
    scenario: { ...TWO, ...SLOW, users: ['deposit-changed'] },
    states: 5_000,
  },
  'the user deposits what is there, with another field, and disconnects': {
    scenario: { ...TWO, users: ['deposit-changed', 'disconnect'] },
    states: 5_000,
  },
  'nobody fails, with a grace period': {
    scenario: { ...TWO, ...SLOW, renewals: [1, 2], server: 'grace' },
    states: 40_000,
  },
  'a process freezes': { scenario: fault('freeze'), states: 30_000, losses: UNAVOIDABLE },
  'a process freezes, without rotation': {
    scenario: fault('freeze', { server: 'no-rotation' }),
    states: 30_000,
  },
  'a process freezes, and spent tokens are refused': { scenario: REFUSING, states: 30_000 },
  'a machine is suspended': { scenario: fault('suspension'), states: 45_000, losses: UNAVOIDABLE },
  'a request is turned away': { scenario: fault('turned-away', SLOW), states: 9_000 },
  'a query fails': { scenario: fault('failed-query', SLOW), states: 20_000 },
  'a query takes long': { scenario: fault('slow-query'), states: 13_000 },
  'the user disconnects, and a process crashes': {
    scenario: fault('crash', { users: ['disconnect'] }),
    states: 14_000,
    losses: UNAVOIDABLE,
  },
  'the user deposits and disconnects': {
    scenario: { ...TWO, users: ['deposit', 'disconnect'] },
    states: 25_000,
  },
};

/** Of up to 1.2 million states, which take minutes. */
export const LONG: Record<string, Expected> = {
  'a process freezes, and answers may take longer than a lease': {
    scenario: fault('freeze', { ...SLOW, renewals: [1, 2] }),
    states: 1_200_000,
    losses: UNAVOIDABLE,
  },
  'a process freezes, with a grace period': {
    scenario: fault('freeze', { server: 'grace' }),
    states: 380_000,
    losses: UNAVOIDABLE,
  },
  'a connection breaks, and answers may take longer than a lease': {
    scenario: fault('broken-connection', SLOW),
    states: 200_000,
    losses: UNAVOIDABLE,
  },
  'the user deposits what is there, with another field, and a process crashes': {
    scenario: fault('crash', { users: ['deposit-changed'] }),
    states: 3_000,
    losses: UNAVOIDABLE,
  },
  'Postgres restarts': { scenario: fault('restart'), states: 160_000 },
  'the user deposits, and a process freezes': {
    scenario: fault('freeze', { users: ['deposit'] }),
    states: 50_000,
    losses: UNAVOIDABLE,
  },
  'the user disconnects, and a process freezes': {
    scenario: fault('freeze', { users: ['disconnect'] }),
    states: 50_000,
    losses: UNAVOIDABLE,
  },
};
