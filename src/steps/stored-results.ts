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

/**
 * Reads a stored result of so many bytes once there is room for it in memory, where it takes several times as much.
 * Throws to refuse.
 */
export type AdmitRead = <T>(bytes: number, read: () => Promise<T>) => Promise<T>;

/** Replaces the reference to a stored result, which is all that Temporal holds of it, by the result. */
export interface StoredResults {
  /** @throws EncryptionKeyMissing while the key of the result is not configured, and what `admit` throws */
  read<T extends StepView | undefined>(owner: ResultReader, step: T): Promise<T>;
  /** For a step that was started or decided by the same call: where the read fails, a warning replaces the result. */
  readIfPossible(owner: ResultReader, step: StepView): Promise<StepView>;
  /**
   * Reads a result of at most `maxBytes`. The step keeps the reference to a larger one.
   *
   * @throws what `admit` throws
   */
  readSmall(owner: ResultReader, step: StepView, maxBytes: number): Promise<StepView>;
}

/** The user whose result it is, and how its read is admitted. */
export interface ResultReader {
  userId: string;
  /** Default: at once. */
  admit?: AdmitRead | undefined;
}

/** @param given undefined: every step keeps its reference */
export function createStoredResults(given: StoredResultDependencies | undefined): StoredResults {
  if (given === undefined) {
    const keep = async <T>(_: ResultReader, step: T) => step;
    return { read: keep, readIfPossible: keep, readSmall: keep };
  }
  const deps = { ...given, turns: createTurns() };
  return {
    read: (reader, step) => admitted(reader, step, () => withResult(deps, reader, step)),
    readIfPossible: (reader, step) =>
      orWarning(deps, reader, step, () => admitted(reader, step, () => withResult(deps, reader, step))),
    async readSmall(reader, step, maxBytes) {
      if ((step.result?.stored?.bytes ?? 0) > maxBytes) return step;
      // A refusal by the budget becomes no warning in the step, because the same request can succeed later.
      return admitted(reader, step, () =>
        orWarning(deps, reader, step, () => withResult(deps, reader, step)),
      );
    },
  };
}

function admitted<T extends StepView | undefined>(
  { admit }: ResultReader,
  step: T,
  read: () => Promise<T>,
): Promise<T> {
  const stored = step?.result?.stored;
  return stored === undefined || admit === undefined ? read() : admit(stored.bytes, read);
}

type Deps = StoredResultDependencies & SteppingDependencies;

// An error would say that nothing happened, and a caller that tried again would be told that it is too late.
async function orWarning(
  { logger }: Deps,
  { userId }: ResultReader,
  step: StepView,
  read: () => Promise<StepView>,
): Promise<StepView> {
  try {
    return await read();
  } catch (error) {
    logger.warn({ err: error, userId, stepId: step.stepId }, 'a stored result could not be read');
    const warnings = ['the stored result can not be read now: ask for the step again'];
    return { ...step, result: { content: [], ...step.result, warnings } };
  }
}

async function withResult<T extends StepView | undefined>(
  deps: Deps,
  { userId }: ResultReader,
  step: T,
): Promise<T> {
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
