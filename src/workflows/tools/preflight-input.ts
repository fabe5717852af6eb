/** Checks what `preflightMcpTools` is called with, by the names of its own fields. Nothing here throws. */
import { MAX_PREFLIGHT_CALLS } from '../../contracts/preflight.ts';
import { type Check, type Fields, fieldProblems, isEncodableObject } from '../step/field-problems.ts';
import { mustBeId } from '../step/step-input.ts';

const mustBeCalls: Check = (value) =>
  Array.isArray(value) && value.length >= 1 && value.length <= MAX_PREFLIGHT_CALLS
    ? undefined
    : `must be a list of 1 to ${MAX_PREFLIGHT_CALLS} calls`;

const PREFLIGHT: Fields = { required: { userId: mustBeId, calls: mustBeCalls }, optional: {} };
const CALL: Fields = { required: { mcpServerId: mustBeId }, optional: { account: mustBeId, tool: mustBeId } };

/** Lists what is wrong with the input: nothing if it is valid. */
export function preflightProblems(input: unknown): string[] {
  if (!isEncodableObject(input)) return ['the input must be one object'];
  const { calls } = input;
  const areCalls = Array.isArray(calls) && mustBeCalls(calls) === undefined;
  return [...fieldProblems(input, PREFLIGHT), ...(areCalls ? calls.flatMap(callProblems) : [])];
}

function callProblems(call: unknown, index: number): string[] {
  const path = `calls[${index}]`;
  return isEncodableObject(call) ? fieldProblems(call, CALL, `${path}.`) : [`${path} must be an object`];
}
