import type { ToolResult } from '../contracts/step.ts';
import type { Turns } from '../turns/turns.ts';
import { writeJson } from '../turns/write-json.ts';
import { type ResultOwner, type SteppingDependencies, storeResult } from './result-store.ts';

/** A larger result goes to the database: Temporal refuses payloads over 2 MiB and drops completions over 4 MiB. */
export const INLINE_BYTES = 128 * 1024;

/**
 * Returns what history records of a result: the whole result, or a reference to the stored one. Call this in the
 * activity that made the call, because Temporal would drop an oversize activity result and with it the outcome of the
 * call.
 */
export async function keepResult(
  deps: SteppingDependencies,
  owner: ResultOwner,
  { result, json }: WrittenResult,
): Promise<ToolResult> {
  if (json.length <= INLINE_BYTES) return result;
  return { content: [], stored: await storeResult(deps, owner, json) };
}

/** A result and its JSON, which is written once and used by every attempt to store it. */
export interface WrittenResult {
  result: ToolResult;
  /** UTF-8. */
  json: Buffer;
}

export async function writeResult(turns: Turns, result: ToolResult): Promise<WrittenResult> {
  return { result, json: await turns.take(writeJson(result)) };
}
