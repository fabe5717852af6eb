import { largestBeyond } from '../contracts/largest-beyond.ts';
import type { McpToolsOfServer } from '../contracts/mcp-tools.ts';

/** The most tools of one list for an agent. Models take far fewer. */
const MAX_TOOLS = 5_000;

/**
 * Leaves out the largest lists, with the failure `result-too-large`, while there are more than `maxTools` tools. A server
 * decides how many tools it lists, and the agent's thread looks at each of them, again in each replay.
 */
export function limitTools(
  listed: readonly McpToolsOfServer[],
  maxTools: number = MAX_TOOLS,
): McpToolsOfServer[] {
  const tooLarge = largestBeyond(listed, maxTools, countOf);
  return listed.map((server) => (tooLarge.has(server) ? withoutTools(server) : server));
}

function countOf(server: McpToolsOfServer): number {
  return 'tools' in server ? server.tools.length : 0;
}

function withoutTools({ mcpServerId, account }: McpToolsOfServer): McpToolsOfServer {
  return { mcpServerId, account, failure: { kind: 'unknown', code: 'result-too-large' } };
}
