import type { StepView, ToolResult } from '../contracts/step.ts';
import type { Logger } from '../logging/logger.ts';
import {
  type ReadResultOutcome,
  type ResultStoreDependencies,
  readResult,
  type SteppingDependencies,
} from '../results/result-store.ts';
import { createTurns } from '../turns/turns.ts';
import { EncryptionKeyMissing } from '../vault/key-ring.ts';

export interface StoredResultDependencies extends ResultStoreDependencies {
  logger: Pick<Logger, 'warn'>;
}

/** Replaces the reference to a stored result, which is all that Temporal holds of it, by the result. */
export interface StoredResults {
  /** @throws EncryptionKeyMissing while the key of the result is not configured */
  read<T extends StepView | undefined>(userId: string, step: T): Promise<T>;
  /** For a step that was started or decided by the same call: where the read fails, a warning replaces the result. */
  readIfPossible(userId: string, step: StepView): Promise<StepView>;
  /** Reads a result of at most `maxBytes`. The step keeps the reference to a larger one. */
  readSmall(userId: string, step: StepView, maxBytes: number): Promise<StepView>;
}

/** @param given undefined: every step keeps its reference */
export function createStoredResults(given: StoredResultDependencies | undefined): StoredResults {
  if (given === undefined) {
    const keep = async <T>(_: string, step: T) => step;
    return { read: keep, readIfPossible: keep, readSmall: keep };
  }
  const deps = { ...given, turns: createTurns() };
  return {
    read: (userId, step) => withResult(deps, userId, step),
    readIfPossible: (userId, step) => withResultIfPossible(deps, userId, step),
    readSmall: async (userId, step, maxBytes) =>
      (step.result?.stored?.bytes ?? 0) > maxBytes ? step : withResultIfPossible(deps, userId, step),
  };
}

type Deps = StoredResultDependencies & SteppingDependencies;

// An error would say that nothing happened, and a caller that tried again would be told that it is too late.
async function withResultIfPossible(deps: Deps, userId: string, step: StepView): Promise<StepView> {
  try {
    return await withResult(deps, userId, step);
  } catch (error) {
    deps.logger.warn({ err: error, userId, stepId: step.stepId }, 'a stored result could not be read');
    const warnings = ['the stored result can not be read now: ask for the step again'];
    return { ...step, result: { content: [], ...step.result, warnings } };
  }
}

async function withResult<T extends StepView | undefined>(deps: Deps, userId: string, step: T): Promise<T> {
  const stored = step?.result?.stored;
  if (stored === undefined) return step;
  return { ...step, result: resultOrWarning(await readResult(deps, userId, stored.id), step?.result) };
}

function resultOrWarning(read: ReadResultOutcome, reference: ToolResult = { content: [] }): ToolResult {
  switch (read.kind) {
    case 'found':
      return read.result;
    case 'gone':
      return { ...reference, warnings: ['the result is deleted: its retention is over'] };
    // An error, not a warning, because it is temporary: the same request succeeds once the key is configured.
    case 'key-missing':
      throw new EncryptionKeyMissing(read.kid);
    case 'unreadable':
      return { ...reference, warnings: ['the stored result can not be decrypted'] };
    default:
      return read satisfies never;
  }
}
