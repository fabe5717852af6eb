import { describeNumbers, type NumberProblem, unsendableNumbers } from '../contracts/number-problems.ts';
import type { DecisionOutcome, StepClient } from './step-client.ts';

/** The arguments, or a result, hold a number that JSON can only change. Nothing was sent. */
export class NumberNotExact extends Error {
  readonly code = 'number-not-exact';
  /** Every such number, by its place. */
  readonly errors: readonly NumberProblem[];

  constructor(errors: readonly NumberProblem[]) {
    super(describeNumbers(errors));
    this.name = 'NumberNotExact';
    this.errors = errors;
  }
}

/**
 * For callers in JavaScript, where a long integer is rounded before anybody can look: what may have been, and
 * what JSON has no form for, is sent nowhere. A decision is `invalid` then.
 *
 * @throws NumberNotExact from `start` and `resolveMany`
 */
export function withExactNumbers(steps: StepClient): StepClient {
  return {
    ...steps,
    start: async (input) => {
      refuse(unsendableNumbers(input.arguments, ['arguments']));
      return steps.start(input);
    },
    approve: (userId, stepId, message, by) =>
      decided(message, () => steps.approve(userId, stepId, message, by)),
    resolve: (userId, stepId, message, by) =>
      decided(message, () => steps.resolve(userId, stepId, message, by)),
    resolveMany: async (many, by) => {
      refuse(unsendableNumbers(many.resolution));
      return steps.resolveMany(many, by);
    },
  };
}

function refuse(problems: NumberProblem[]): void {
  if (problems.length > 0) throw new NumberNotExact(problems);
}

async function decided(message: unknown, decide: () => Promise<DecisionOutcome>): Promise<DecisionOutcome> {
  const problems = unsendableNumbers(message);
  return problems.length > 0 ? { kind: 'invalid', message: describeNumbers(problems) } : decide();
}
