import type { ToolResult } from '../contracts/step.ts';
import { stringifyInSteps } from '../turns/json-writer.ts';
import type { Turns } from '../turns/turns.ts';
import { type ResultOwner, type ResultStoreDependencies, storeResult } from './result-store.ts';

/** A larger result is stored; Temporal refuses payloads over 2 MiB and drops completions over 4. */
export const INLINE_BYTES = 128 * 1024;

/**
 * What of a result goes into history: all of it, or a reference. Inside the activity that made the call,
 * because an oversize activity result would lose the outcome of a tool that ran.
 */
export async function keepResult(
  deps: ResultStoreDependencies,
  owner: ResultOwner,
  { result, json }: WrittenResult,
): Promise<ToolResult> {
  if (Buffer.byteLength(json) <= INLINE_BYTES) return result;
  return { content: [], stored: await storeResult(deps, owner, json) };
}

/** A result and its JSON, written once however often storing it has to be tried. */
export interface WrittenResult {
  result: ToolResult;
  json: string;
}

/** @throws RangeError for what no string can hold */
export async function writeResult(turns: Turns, result: ToolResult): Promise<WrittenResult> {
  return { result, json: await turns.take(stringifyInSteps(result)) };
}
