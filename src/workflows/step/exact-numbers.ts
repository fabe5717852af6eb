import { ApplicationFailure, patched } from '@temporalio/workflow';
import { roundedNumbersOf } from '../../contracts/exact-payload-converter.ts';
import { REFUSED } from '../../contracts/messages.ts';
import { describeNumbers, unsendableNumbers } from '../../contracts/number-problems.ts';
import type { McpStepInput } from '../../contracts/step.ts';

const REFUSE_INEXACT = 'refuse-numbers-that-are-not-exact';

/**
 * What is wrong with the numbers that a step was started with, or undefined. Steps of before called their tool
 * with the rounded ones; where a history says so, they still do.
 */
export function problemOfNumbers(input: unknown): string | undefined {
  const rounded = roundedNumbersOf(input);
  return rounded.length > 0 && patched(REFUSE_INEXACT) ? describeNumbers(rounded) : undefined;
}

/** The same for what a workflow of somebody else's is about to start a step with. */
export function problemOfUnsentNumbers(input: McpStepInput): string | undefined {
  const unsendable = unsendableNumbers(input.arguments, ['arguments']);
  return unsendable.length > 0 && patched(REFUSE_INEXACT) ? describeNumbers(unsendable) : undefined;
}

/** For validators, which do not run again when a history is replayed. */
export function refuseInexactNumbers(message: unknown): void {
  const rounded = roundedNumbersOf(message);
  if (rounded.length === 0) return;
  throw ApplicationFailure.nonRetryable(describeNumbers(rounded), REFUSED.invalid);
}
