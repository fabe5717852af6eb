import { accountOf, credentialKey } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import type { McpToolsOfServer } from '../contracts/mcp-tools.ts';
import {
  accountsOfCalls,
  judgeCalls,
  type PreflightCall,
  type PreflightResult,
} from '../contracts/preflight.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { connectUrl } from '../contracts/urls.ts';
import { failureOf } from './list-failure.ts';
import {
  type ListOfAccount,
  type ListToolsOfAccountsDependencies,
  listToolsOfAccounts,
} from './list-tools-of-accounts.ts';

/** Characters of the tools' names of all accounts together. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

export interface PreflightDependencies extends ListToolsOfAccountsDependencies {
  publicUrl: string;
}

/**
 * Says whether the user may call these tools now, else why not. Calls no tool: lists the tools of each account once,
 * eight accounts at a time, though several calls name it.
 */
export async function preflight(
  deps: PreflightDependencies,
  userId: string,
  calls: readonly PreflightCall[],
): Promise<PreflightResult> {
  const keys = accountsOfCalls(calls).map((account) => credentialKey({ ...account, userId }));
  const lists = await listToolsOfAccounts({ ...deps, cut: nameOnly }, keys, MAX_CHARACTERS);
  const known = keys.map((key, index) => toolsOf(deps, key, lists[index] ?? { kind: 'internal' }));
  return judgeCalls(calls, known);
}

/** Returns enough of a tool to know whether it can be called. */
export function nameOnly({ name, execution }: ToolDescription): ToolDescription {
  const { taskSupport } = execution ?? {};
  return { name, inputSchema: {}, ...(taskSupport !== undefined && { execution: { taskSupport } }) };
}

function toolsOf(
  { publicUrl }: Pick<PreflightDependencies, 'publicUrl'>,
  key: CredentialKey,
  list: ListOfAccount,
): McpToolsOfServer {
  const { mcpServerId, account } = key;
  const named = { mcpServerId, account: accountOf(key) };
  if (list.kind === 'listed') {
    return { ...named, tools: list.tools, ...(list.paused && { paused: list.paused }) };
  }
  const failure = failureOf(list);
  if (list.kind !== 'reauth-required') return { ...named, failure };
  return { ...named, failure, connectUrl: connectUrl(publicUrl, mcpServerId, undefined, account) };
}
