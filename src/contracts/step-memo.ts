import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';
import type { McpStepInput, StepMode } from './step.ts';

/** What a step's start carries for lists and for whoever starts it again. Costs no event, is not a secret. */
export interface StepMemo {
  requestHash: string;
  stepId: string;
  userId: string;
  mcpServerId: string;
  tool: string;
  title?: string;
  mode: StepMode;
}

export const MEMO_KEY = 'latchkeyStep';

export function stepMemo(input: McpStepInput & { stepId: string }): StepMemo {
  const { stepId, userId, mcpServerId, tool, title, mode } = input;
  return {
    requestHash: requestHash(input),
    stepId,
    userId,
    mcpServerId,
    tool,
    ...(title !== undefined && { title }),
    mode: mode ?? 'fully-automated',
  };
}

/** Undefined where the step was started neither by our client nor by `runMcpStep`. */
export function memoOf(memo: Record<string, unknown> | undefined): StepMemo | undefined {
  // The cast trusts what `stepMemo` wrote: nobody else uses the key.
  return memo?.[MEMO_KEY] as StepMemo | undefined;
}

/** The same for two requests exactly if they ask for the same, whatever the order of their fields. */
export function requestHash(input: McpStepInput): string {
  return base64urlnopad.encode(sha256(utf8ToBytes(JSON.stringify(sorted(input)))));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, sorted(field)]);
}
