import type { ToolResult } from '../contracts/step.ts';
import type { Turns } from '../turns/turns.ts';
import { writeJson } from '../turns/write-json.ts';
import { type ResultOwner, type SteppingDependencies, storeResult } from './result-store.ts';

/** A larger result is stored; Temporal refuses payloads over 2 MiB and drops completions over 4. */
export const INLINE_BYTES = 128 * 1024;

/**
 * What of a result goes into history: all of it, or a reference. Inside the activity that made the call,
 * because an oversize activity result would lose the outcome of a tool that ran.
 */
export async function keepResult(
  deps: SteppingDependencies,
  owner: ResultOwner,
  { result, json }: WrittenResult,
): Promise<ToolResult> {
  if (json.length <= INLINE_BYTES) return result;
  return { content: [], stored: await storeResult(deps, owner, json) };
}

/** A result and its JSON, written once however often storing it has to be tried. */
export interface WrittenResult {
  result: ToolResult;
  /** UTF-8. */
  json: Buffer;
}

export async function writeResult(turns: Turns, result: ToolResult): Promise<WrittenResult> {
  return { result, json: await turns.take(writeJson(result)) };
}
