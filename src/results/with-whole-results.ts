import type { StepView, ToolResult } from '../contracts/step.ts';
import type { DecisionOutcome, StartStepOutcome, StepClient } from '../steps/step-client.ts';
import { EncryptionKeyMissing } from '../vault/encryption-key-missing.ts';
import { type ReadResultOutcome, type ResultStoreDependencies, readResult } from './result-store.ts';

type Whole = <T extends StepView | undefined>(userId: string, step: T) => Promise<T>;

/**
 * A step client whose steps have their results whole, also those that Temporal holds only a reference to. Its
 * answers reject with `EncryptionKeyMissing` while the key of one is not configured.
 */
export function withWholeResults(steps: StepClient, deps: ResultStoreDependencies): StepClient {
  const whole: Whole = (userId, step) => withWholeResult(deps, userId, step);
  const inOutcome = async <T extends DecisionOutcome | StartStepOutcome>(userId: string, outcome: T) =>
    'step' in outcome ? { ...outcome, step: await whole(userId, outcome.step) } : outcome;
  return {
    ...steps,
    start: async (input) => inOutcome(input.userId, await steps.start(input)),
    get: async (userId, stepId) => whole(userId, await steps.get(userId, stepId)),
    waitForChange: async (userId, stepId, options) =>
      whole(userId, await steps.waitForChange(userId, stepId, options)),
    approve: async (userId, ...rest) => inOutcome(userId, await steps.approve(userId, ...rest)),
    reject: async (userId, ...rest) => inOutcome(userId, await steps.reject(userId, ...rest)),
    resolve: async (userId, ...rest) => inOutcome(userId, await steps.resolve(userId, ...rest)),
  };
}

async function withWholeResult<T extends StepView | undefined>(
  deps: ResultStoreDependencies,
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
