import type { StepView, ToolResult } from '../contracts/step.ts';
import type { Logger } from '../logger.ts';
import type { DecisionOutcome, StartStepOutcome, StepClient } from '../steps/step-client.ts';
import { createTurns } from '../turns/turns.ts';
import { EncryptionKeyMissing } from '../vault/encryption-key-missing.ts';
import {
  type ReadResultOutcome,
  type ResultStoreDependencies,
  readResult,
  type SteppingDependencies,
} from './result-store.ts';

export interface WholeResultDependencies extends ResultStoreDependencies {
  logger: Pick<Logger, 'warn'>;
}

type Deps = WholeResultDependencies & SteppingDependencies;

type Whole = <T extends StepView | undefined>(userId: string, step: T) => Promise<T>;

/**
 * A step client whose steps have their results whole, also those that Temporal holds only a reference to. What only
 * reads rejects with `EncryptionKeyMissing` while the key of one is not configured; a decision that was made, or a
 * step that was started, is answered as such, with a warning in the result's place.
 */
export function withWholeResults(steps: StepClient, given: WholeResultDependencies): StepClient {
  const deps: Deps = { ...given, turns: createTurns() };
  const whole: Whole = (userId, step) => withWholeResult(deps, userId, step);
  const decided = async (userId: string, outcome: DecisionOutcome): Promise<DecisionOutcome> =>
    outcome.kind === 'applied'
      ? { ...outcome, step: await withResultIfPossible(deps, userId, outcome.step) }
      : outcome;
  return {
    ...steps,
    start: async (input) => startedWhole(deps, input.userId, await steps.start(input)),
    get: async (userId, stepId) => whole(userId, await steps.get(userId, stepId)),
    waitForChange: async (userId, stepId, options) =>
      whole(userId, await steps.waitForChange(userId, stepId, options)),
    approve: async (userId, ...rest) => decided(userId, await steps.approve(userId, ...rest)),
    reject: async (userId, ...rest) => decided(userId, await steps.reject(userId, ...rest)),
    resolve: async (userId, ...rest) => decided(userId, await steps.resolve(userId, ...rest)),
  };
}

async function startedWhole(
  deps: Deps,
  userId: string,
  outcome: StartStepOutcome,
): Promise<StartStepOutcome> {
  switch (outcome.kind) {
    case 'started':
      return { ...outcome, step: await withResultIfPossible(deps, userId, outcome.step) };
    case 'existing':
      return { ...outcome, step: await withWholeResult(deps, userId, outcome.step) };
    case 'conflict':
      return outcome;
    default:
      return outcome satisfies never;
  }
}

// An error would say that nothing happened, and whoever tried again would be told that it is too late.
async function withResultIfPossible(deps: Deps, userId: string, step: StepView): Promise<StepView> {
  try {
    return await withWholeResult(deps, userId, step);
  } catch (error) {
    deps.logger.warn({ err: error, userId, stepId: step.stepId }, 'a stored result could not be read');
    const warnings = ['the stored result can not be read now: ask for the step again'];
    return { ...step, result: { content: [], ...step.result, warnings } };
  }
}

async function withWholeResult<T extends StepView | undefined>(
  deps: Deps,
  userId: string,
  step: T,
): Promise<T> {
  const stored = step?.result?.stored;
  if (stored === undefined) return step;
  return { ...step, result: delivered(await readResult(deps, userId, stored.id), step?.result) };
}

function delivered(read: ReadResultOutcome, reference: ToolResult = { content: [] }): ToolResult {
  switch (read.kind) {
    case 'found':
      return read.result;
    case 'gone':
      return { ...reference, warnings: ['the result is deleted: its retention is over'] };
    // Not for ever, unlike a warning in the step's place: whoever asks again may get it.
    case 'key-missing':
      throw new EncryptionKeyMissing(read.kid);
    case 'unreadable':
      return { ...reference, warnings: ['the stored result can not be decrypted'] };
    default:
      return read satisfies never;
  }
}
