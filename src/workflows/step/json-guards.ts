import { exceedsDepth } from '../../contracts/json-size.ts';

/** An object of JSON that can be handed on: one that nests too deep could not be, and would fail the task for ever. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !exceedsDepth(value);
}

/** Clients in other languages send null for a field that is not set. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
