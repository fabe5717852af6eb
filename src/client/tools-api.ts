import type { ToolDescription } from '../contracts/step.ts';
import { type LatchkeyApiOptions, requestApi } from './api-request.ts';

/**
 * Lists the tools of one of the user's accounts, as `GET /list-mcp-tools` does.
 *
 * @throws LatchkeyApiError
 */
export async function listToolsOf(
  options: LatchkeyApiOptions,
  { mcpServerId, account }: { mcpServerId: string; account?: string | undefined },
): Promise<ToolDescription[]> {
  const query = new URLSearchParams({ mcpServerId, ...(account !== undefined && { account }) });
  const answer = await requestApi(options, { method: 'GET', path: `/list-mcp-tools?${query}` });
  // The cast trusts the contract of our own API.
  return (answer as { tools: ToolDescription[] }).tools;
}
