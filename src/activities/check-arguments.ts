import { credentialKey } from '../contracts/accounts.ts';
import {
  type CheckArgumentsInput,
  type CheckArgumentsOutcome,
  TOO_MANY_CALLS,
} from '../contracts/activities.ts';
import type { ArgumentsChecker } from '../mcp/check-arguments-in-thread.ts';
import { type ListUserToolsDependencies, listUserTools } from '../tools/list-user-tools.ts';
import type { CallLimits } from './call-limits.ts';

export interface CheckArgumentsDependencies extends ListUserToolsDependencies {
  limits: CallLimits;
  argumentsChecker: ArgumentsChecker;
}

const CHECK_TOOK_TOO_LONG =
  "it takes too long to check the arguments against the tool's schema, so this edit can't be accepted";

/** Checks edited arguments against the tool's input schema. Renews the user's token if necessary. */
export function createCheckArguments(deps: CheckArgumentsDependencies) {
  return async function checkArguments(input: CheckArgumentsInput): Promise<CheckArgumentsOutcome> {
    const room = deps.limits.lookups.take(input);
    if (room.kind === 'full') return unchecked(TOO_MANY_CALLS);
    return check(deps, input).finally(room.release);
  };
}

async function check(
  deps: CheckArgumentsDependencies,
  input: CheckArgumentsInput,
): Promise<CheckArgumentsOutcome> {
  const listed = await listUserTools(deps, credentialKey(input));
  if (listed.kind === 'key-missing') return unchecked('encryption-key-missing');
  if (listed.kind !== 'listed') return unchecked(listed.kind);
  const tool = listed.tools.find(({ name }) => name === input.tool);
  if (tool === undefined) return unchecked('unknown-tool');
  const checked = await deps.argumentsChecker.check(tool.inputSchema, input.arguments);
  return checked.kind === 'unchecked' ? { ...checked, message: CHECK_TOOK_TOO_LONG } : checked;
}

function unchecked(reason: string): CheckArgumentsOutcome {
  return {
    kind: 'unchecked',
    message: `the tool's schema can't be read now (${reason}), so no edit can be accepted`,
  };
}
