import { describe, expect, test } from 'vitest';
import { verdictOf } from './verdict.ts';

const expectations = {
  required: ['initialize', 'auth/a'],
  auth: ['auth/a', 'auth/b', 'auth/c'],
  expectedFailures: { 'auth/c': 'not done' },
};

/** A run in which only these scenarios passed. */
function verdictWith(passed: string[], changes: Partial<typeof expectations> = {}) {
  const names = ['initialize', 'auth/a', 'auth/b', 'auth/c'];
  const results = names.map((name) => ({ scenario: name, passed: passed.includes(name), findings: [] }));
  return verdictOf(results, { ...expectations, ...changes });
}

describe('the verdict on a run of the conformance suite', () => {
  test('counts a required scenario about authorization in both numbers', () => {
    expect(verdictWith(['initialize', 'auth/a', 'auth/b'])).toEqual({
      problems: [],
      summary: 'conformance: 2/2 required, 2/3 auth',
    });
  });

  test('finds a required scenario that failed', () => {
    expect(verdictWith(['auth/a', 'auth/b'])).toEqual({
      problems: ['initialize failed'],
      summary: 'conformance: 1/2 required, 2/3 auth',
    });
  });

  test('finds another scenario that failed', () => {
    expect(verdictWith(['initialize', 'auth/a']).problems).toEqual(['auth/b failed']);
  });

  test('finds a scenario that passed although it is expected to fail', () => {
    const { problems } = verdictWith(['initialize', 'auth/a', 'auth/b', 'auth/c']);
    expect(problems).toEqual(['auth/c passed and is expected to fail']);
  });

  test('finds an expected failure of a scenario that the suite does not have', () => {
    const expectedFailures = { 'auth/c': 'not done', 'auth/gone': 'not done' };
    const { problems } = verdictWith(['initialize', 'auth/a', 'auth/b'], { expectedFailures });
    expect(problems).toEqual(['auth/gone is expected to fail and does not exist']);
  });

  test('finds that there was nothing to run', () => {
    const { problems } = verdictOf([], { required: [], auth: [], expectedFailures: {} });
    expect(problems).toEqual(['there is no scenario to run']);
  });

  test('does not let a required scenario be expected to fail', () => {
    const expectedFailures = { 'auth/c': 'not done', initialize: 'not done' };
    const { problems } = verdictWith(['auth/a', 'auth/b'], { expectedFailures });
    expect(problems).toEqual(['initialize is required and cannot be expected to fail']);
  });
});
