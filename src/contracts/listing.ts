/** How a listing of tools (workflow `mcpTools`) is shown beside steps. */
import { accountMember, DEFAULT_ACCOUNT } from './accounts.ts';
import type { McpToolsFailure, McpToolsOfServer, McpToolsResult, ServerAccount } from './mcp-tools.ts';
import { stepSearchAttributes } from './search-attributes.ts';
import { shortened } from './shortened.ts';
import type { McpStepResult, StepErrorCode } from './step.ts';
import { MEMO_KEY, type StepIdentity, type StepMemo } from './step-memo.ts';

/** Servers that a title names. */
const MAX_NAMES = 3;
/** Characters of each name, so that a title is shorter than 255. */
const MAX_NAME = 60;

/** What a listing is called. It has no tool; its server is the first one while it waits for none. */
export function listingIdentity(stepId: string, servers: readonly ServerAccount[]): StepIdentity {
  const { mcpServerId = '', account } = servers[0] ?? {};
  return {
    kind: 'listing',
    stepId,
    mcpServerId,
    ...accountMember(account),
    tool: '',
    title: titleOf(servers),
    mode: 'fully-automated',
  };
}

/** The memo that a listing is started with. Its start is never repeated, so it has no hash of the request. */
export function listingMemo(userId: string, stepId: string, servers: readonly ServerAccount[]): StepMemo {
  return { ...listingIdentity(stepId, servers), userId, requestHash: '' };
}

/** What shows a listing beside steps: the memo and attributes that it is started with. Only one that waits is shown. */
export function listingAsStep(userId: string, stepId: string, servers: readonly ServerAccount[]) {
  const { mcpServerId } = listingIdentity(stepId, servers);
  return {
    memo: { [MEMO_KEY]: listingMemo(userId, stepId, servers) },
    typedSearchAttributes: stepSearchAttributes({ userId, mcpServerId }),
  };
}

function titleOf(servers: readonly ServerAccount[]): string {
  const names = [...new Set(servers.map(({ mcpServerId }) => shortened(mcpServerId, MAX_NAME)))];
  const shown = names.slice(0, MAX_NAMES);
  const more = names.length - shown.length;
  const all = more > 0 ? [...shown, `${more} more`] : shown;
  const last = all.length > 1 ? ` and ${all.at(-1)}` : '';
  return `List the tools of ${all.slice(0, Math.max(all.length - 1, 1)).join(', ')}${last}`;
}

/** The result that a listing shows as a step: how many tools each server has, and why others could not be listed. */
export function stepResultOfListing({ servers }: McpToolsResult): McpStepResult {
  const result = { content: [{ type: 'text', text: servers.map(lineOf).join('\n') }] };
  const failed = servers.filter((server) => 'failure' in server);
  const first = failed[0];
  if (first === undefined) return { status: 'success', result };
  const names = failed.map(
    ({ mcpServerId, failure }) => `${shortened(mcpServerId, MAX_NAME)} (${failure.code})`,
  );
  const message = `could not list the tools of ${names.join(', ')}`;
  return { status: 'error', error: { code: errorCodeOf(first.failure), message }, result };
}

function lineOf(server: McpToolsOfServer): string {
  const { mcpServerId, account } = server;
  const name = `${mcpServerId}${account === DEFAULT_ACCOUNT ? '' : `, ${account}`}`;
  if ('failure' in server) return `${name}: ${server.failure.code}`;
  const count = server.tools.length;
  return `${name}: ${count} ${count === 1 ? 'tool' : 'tools'}`;
}

function errorCodeOf({ code }: McpToolsFailure): StepErrorCode {
  switch (code) {
    case 'needs-oauth-reauth':
    case 'reauth-timed-out':
      return 'reauth-timed-out';
    case 'needs-oauth-scope':
    case 'forbidden':
      return 'forbidden';
    case 'server-unavailable':
    case 'token-endpoint-unavailable':
    case 'internal':
      return 'server-unavailable';
    case 'protocol-error':
    case 'result-too-large':
      return code;
    case 'unknown-server':
    case 'encryption-key-missing':
    case 'misconfigured':
      return 'misconfigured';
    default:
      return code satisfies never;
  }
}
