/**
 * Workflow `mcpTools`: lists the tools of several accounts of one user. It runs in the workflow sandbox: import nothing
 * but `@temporalio/workflow`, contracts and workflow code.
 */
import { proxyActivities } from '@temporalio/workflow';
import { accountOf } from '../../contracts/accounts.ts';
import type { LatchkeyActivities, ToolListing } from '../../contracts/activities.ts';
import {
  MAX_LISTED_BYTES,
  type McpToolsInput,
  type McpToolsOfServer,
  type McpToolsResult,
  type ServerAccount,
} from '../../contracts/mcp-tools.ts';

const { listTools } = proxyActivities<Pick<LatchkeyActivities, 'listTools'>>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Lists the tools of several accounts. One account's failure never hides another's tools. */
export async function mcpTools({ userId, servers }: McpToolsInput): Promise<McpToolsResult> {
  const listings = await listTools({ userId, servers, maxBytes: MAX_LISTED_BYTES });
  return {
    servers: servers.flatMap((server, index) => {
      const listing = listings[index];
      return listing === undefined ? [] : [ofServer(server, listing)];
    }),
  };
}

function ofServer(server: ServerAccount, listing: ToolListing): McpToolsOfServer {
  const { mcpServerId } = server;
  const named = { mcpServerId, account: accountOf(server) };
  switch (listing.kind) {
    case 'listed':
      return { ...named, tools: listing.tools };
    case 'reauth-required':
      return {
        ...named,
        failure: { kind: 'auth', code: 'needs-oauth-reauth' },
        connectUrl: listing.connectUrl,
      };
    case 'insufficient-scope':
      return {
        ...named,
        failure: { kind: 'auth', code: 'needs-oauth-scope' },
        connectUrl: listing.connectUrl,
      };
    case 'failed':
      return { ...named, failure: listing.failure };
    default:
      return listing satisfies never;
  }
}
