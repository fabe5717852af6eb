import {
  AMENDED_WRITE_BACK,
  EXTENSION,
  LEASE,
  LEASE_ACROSS_DEPOSITS,
  type Removal,
  VERDICT_FENCES,
  WRITE_BACK_FENCES,
  WRITE_BACK_FENCES_BUT_LEASE,
} from '../removed-guards.ts';
import { REFUSING, SLOW, TWO } from './explorations.ts';
import type { Scenario } from './scenario.ts';

/** A guard, the code without it, where the explorer looks, and the failure that it has to find. */
export type Control = [guard: string, removals: Removal[], scenario: Scenario, wrong: string];

// Each finds what its guard is there for, and nothing else.
const sentTwice = 'r1 is sent twice, and nobody had failed';

export const FAST_CONTROLS: Control[] = [
  ['no lease', LEASE, TWO, sentTwice],
  ['a lease that is not extended', EXTENSION, { ...TWO, ...SLOW }, sentTwice],
  [
    'a write-back without fences',
    WRITE_BACK_FENCES,
    { ...TWO, users: ['deposit'] },
    'puts r2 in the place of d1',
  ],
  [
    'a write-back that a change of other fields overtakes',
    AMENDED_WRITE_BACK,
    { ...TWO, users: ['deposit-changed'] },
    sentTwice,
  ],
  [
    'a change of other fields that ends the lease',
    LEASE_ACROSS_DEPOSITS,
    { ...TWO, users: ['deposit-changed'] },
    sentTwice,
  ],
];

export const SLOW_CONTROLS: Control[] = [
  [
    'a write-back that needs the lease',
    WRITE_BACK_FENCES_BUT_LEASE,
    REFUSING,
    'r1 is dead, and nobody had failed',
  ],
  ['a verdict without fences', VERDICT_FENCES, REFUSING, 'asks the user although r2 is good'],
];
