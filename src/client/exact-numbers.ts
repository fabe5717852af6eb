import { describeNumbers, type NumberProblem, unsendableNumbers } from '../contracts/number-problems.ts';
import type { DecisionOutcome } from '../steps/send-decision.ts';

/** The arguments, or a result, hold a number that JSON can only change. Nothing was sent. */
export class NumberNotExact extends Error {
  /** The same as over HTTP. */
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
 * Refuses numbers that JSON can't hold, and integers so long that JavaScript has rounded them before any code could
 * check.
 *
 * @throws NumberNotExact
 */
export function requireExactNumbers(value: unknown, path: string[] = []): void {
  const problems = unsendableNumbers(value, path);
  if (problems.length > 0) throw new NumberNotExact(problems);
}

/** Makes the decision, or returns `invalid` where its message holds such a number. */
export async function decideWithExactNumbers(
  message: unknown,
  decide: () => Promise<DecisionOutcome>,
): Promise<DecisionOutcome> {
  const problems = unsendableNumbers(message);
  return problems.length > 0 ? { kind: 'invalid', message: describeNumbers(problems) } : decide();
}
