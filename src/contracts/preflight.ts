/**
 * The contract of a pre-flight: may a user call these tools now, else why not. `POST /preflight` and the workflow helper
 * `preflightMcpTools` share it. JSON only.
 */
import { accountMember, accountOf } from './accounts.ts';
import type { McpToolsFailure, McpToolsOfServer, ServerAccount } from './mcp-tools.ts';
import { needsTask } from './needs-task.ts';

/** A planned call. Without `tool`, only the account is checked. */
export interface PreflightCall extends ServerAccount {
  /** The tool's name at the server. */
  tool?: string;
}

/** Every `PreflightCode`. */
export const PREFLIGHT_CODES = [
  'needs-oauth-reauth',
  'unknown-server',
  'unknown-tool',
  'server-unavailable',
  'forbidden',
  'misconfigured',
] as const;
/**
 * Why a call can't be made now.
 *
 * - `needs-oauth-reauth`: the user has to connect, at `connectUrl`
 * - `unknown-server`: not registered
 * - `unknown-tool`: the server has no such tool, or it can only be called as a task
 * - `server-unavailable`: the server or its token endpoint gives no usable answer, or an admin has paused the server
 * - `forbidden`: the server refuses the user, or asks for more scopes
 * - `misconfigured`: only the operator can help
 */
export type PreflightCode = (typeof PREFLIGHT_CODES)[number];

/** A call that can't be made now. */
export interface PreflightProblem {
  /** As the call names it. */
  mcpServerId: string;
  /** Which of the user's accounts there. */
  account: string;
  /** As the call names it. */
  tool?: string;
  /** Why not. */
  code: PreflightCode;
  /** Where the user connects. With `needs-oauth-reauth`. */
  connectUrl?: string;
}

/** Whether planned calls can be made now. */
export interface PreflightResult {
  /** True if all of the calls can be made now. */
  ready: boolean;
  /** In the order of the calls, one for each call that can't be made now. */
  problems: PreflightProblem[];
}

/** The most calls of one pre-flight. */
export const MAX_PREFLIGHT_CALLS = 50;

/** The accounts that the calls name, each once, so that each is asked once. */
export function accountsOfCalls(calls: readonly PreflightCall[]): ServerAccount[] {
  const accounts = calls.map(({ mcpServerId, account }): [string, ServerAccount] => {
    const named = { mcpServerId, ...accountMember(account) };
    return [nameOf(named), named];
  });
  return [...new Map(accounts).values()];
}

/** Judges the calls by the lists of `accountsOfCalls`. */
export function judgeCalls(
  calls: readonly PreflightCall[],
  lists: readonly McpToolsOfServer[],
): PreflightResult {
  const known = new Map(lists.map((list) => [nameOf(list), list]));
  const problems = calls.flatMap((call) => problemOf(call, known.get(nameOf(call))) ?? []);
  return { ready: problems.length === 0, problems };
}

function nameOf(account: ServerAccount): string {
  return JSON.stringify([account.mcpServerId, accountOf(account)]);
}

function problemOf(call: PreflightCall, list: McpToolsOfServer | undefined): PreflightProblem | undefined {
  const { mcpServerId, tool } = call;
  const named = { mcpServerId, account: accountOf(call), ...(tool != null && { tool }) };
  if (list === undefined) return { ...named, code: 'server-unavailable' };
  if ('failure' in list) {
    const { connectUrl } = list;
    return { ...named, code: codeOf(list.failure), ...(connectUrl !== undefined && { connectUrl }) };
  }
  if (tool != null && !list.tools.some((one) => one.name === tool && !needsTask(one))) {
    return { ...named, code: 'unknown-tool' };
  }
  return list.paused ? { ...named, code: 'server-unavailable' } : undefined;
}

function codeOf({ code }: McpToolsFailure): PreflightCode {
  switch (code) {
    case 'needs-oauth-reauth':
    case 'reauth-timed-out':
      return 'needs-oauth-reauth';
    case 'unknown-server':
    case 'server-unavailable':
    case 'forbidden':
    case 'misconfigured':
      return code;
    case 'needs-oauth-scope':
      return 'forbidden';
    case 'token-endpoint-unavailable':
    case 'protocol-error':
    case 'internal':
      return 'server-unavailable';
    // Only the operator can raise the limit, or add the key.
    case 'result-too-large':
    case 'encryption-key-missing':
      return 'misconfigured';
    default:
      return code satisfies never;
  }
}
