/**
 * The contract of workflow `mcpTools`: it lists the tools of several of a user's servers and accounts. JSON only, so
 * that a client in any language can use it. The package exports these types, and histories hold the values: add to
 * them, never rename.
 */
import type { ToolDescription } from './step.ts';
import type { ListFailure } from './tools-of-server.ts';

/** One of a user's accounts at one MCP server. */
export interface ServerAccount {
  /** The MCP server, as it is registered. */
  mcpServerId: string;
  /** 1–255 characters without control characters. Default: `default`. */
  account?: string;
}

/** Every `ListDetail`. */
export const LIST_DETAILS = ['full', 'names'] as const;
/** How much a listing returns of each tool: everything but icons, or its name. */
export type ListDetail = (typeof LIST_DETAILS)[number];

/** The argument of workflow `mcpTools`. */
export interface McpToolsInput {
  /** On whose behalf the tools are listed. */
  userId: string;
  /** 1–50, each once. */
  servers: ServerAccount[];
  /**
   * Whether to pause, visible to the user like a step, until the user has connected every server that needs it.
   * Default: no. Such a server has the failure `needs-oauth-reauth` or `needs-oauth-scope`.
   */
  waitUntilConnected?: boolean;
  /** Time limits. */
  timeouts?: {
    /** How long all pauses may take together: a duration such as `5m` or `30 days`. Default 30 days, at most 365. */
    reauth?: string;
  };
  /** `names`: each tool has its name and an empty `inputSchema` only. Default: `full`, everything but icons. */
  detail?: ListDetail;
  /** As the step's id in lists: 1–128 of `A–Z a–z 0–9 . _ ~ -`. Default: what the workflow id says. */
  listId?: string;
}

/** The most servers and accounts of one listing. */
export const MAX_LISTED_SERVERS = 50;
/**
 * The most bytes of all lists of one listing together, as JSON in UTF-8. Temporal refuses payloads over 2 MiB, and an
 * encrypted payload is a third larger. The largest lists are left out, with the failure `result-too-large`.
 */
export const MAX_LISTED_BYTES = 1024 * 1024;

/** Why the tools of a server are not in the result. */
export type McpToolsFailure = ListFailure | { kind: 'auth'; code: 'reauth-timed-out' };

/** The tools of one account; or why they could not be listed. */
export type McpToolsOfServer = { mcpServerId: string; account: string } & (
  | {
      tools: ToolDescription[];
      /** An admin has paused the server: its tools are listed, and calls wait. */
      paused?: true;
    }
  | {
      failure: McpToolsFailure;
      /** Where the user connects. With `needs-oauth-reauth` and `reauth-timed-out`. */
      connectUrl?: string;
    }
);

/** The result of workflow `mcpTools`, in the order of the input. One server's failure never hides another's tools. */
export interface McpToolsResult {
  /** One entry for each server of the input. */
  servers: McpToolsOfServer[];
}

/** `ApplicationFailure.type` of a listing that failed because its input is invalid. */
export const INVALID_ARGUMENTS = 'invalid-arguments';
