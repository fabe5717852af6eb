import type { ToolsOfServer } from '../contracts/tools-of-server.ts';
import { failureOf } from './list-failure.ts';
import { type ListToolsOfAccountsDependencies, listToolsOfAccounts } from './list-tools-of-accounts.ts';

/** The limit for all lists together, because the whole answer is in memory. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Lists the tools of several servers in parallel, and returns them in the order of `mcpServerIds`. A failure of one
 * server, even an unexpected one, never hides the tools of another. Lists that no longer fit into the answer are left
 * out, and their servers get the failure `result-too-large`.
 */
export async function listToolsOfServers(
  deps: ListToolsOfAccountsDependencies,
  userId: string,
  mcpServerIds: readonly string[],
): Promise<ToolsOfServer[]> {
  const keys = mcpServerIds.map((mcpServerId) => ({ userId, mcpServerId }));
  const lists = await listToolsOfAccounts(deps, keys, MAX_CHARACTERS);
  return mcpServerIds.map((mcpServerId, index) => {
    const list = lists[index] ?? { kind: 'internal' };
    return list.kind === 'listed'
      ? { mcpServerId, tools: list.tools }
      : { mcpServerId, failure: failureOf(list.kind === 'no-room' ? { kind: 'too-large' } : list) };
  });
}
