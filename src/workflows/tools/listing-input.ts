/** Checks what a client started a listing with. Nothing here throws: see step-input.ts, whose checks it shares. */
import { accountMember, DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import { DEFAULT_TIMEOUTS_MS, parseDuration, timeoutProblem } from '../../contracts/durations.ts';
import { UNDECODABLE, unreadable } from '../../contracts/lenient-payload-converter.ts';
import { listingIdentity } from '../../contracts/listing.ts';
import {
  LIST_DETAILS,
  type ListDetail,
  MAX_LISTED_SERVERS,
  type McpToolsInput,
  type ServerAccount,
} from '../../contracts/mcp-tools.ts';
import { listingWorkflowIdProblems, stepIdIn } from '../../contracts/step-workflow-id.ts';
import {
  type Check,
  type Fields,
  fieldProblems,
  isEncodableObject,
  messageOf,
  mustBeObject,
  mustBeOneOf,
} from '../step/field-problems.ts';
import type { Recorded } from '../step/recorded.ts';
import { idProblems, mustBeId, mustBeStepId } from '../step/step-input.ts';

/** A listing's input with all defaults filled in, and what is shown of it. */
export interface ListingPlan extends Recorded {
  servers: ServerAccount[];
  waits: boolean;
  detail: ListDetail;
  /** How long all pauses may take together, ms. */
  reauthMs: number;
}

export type ParsedListingInput = { ok: true; plan: ListingPlan } | { ok: false; message: string };

const mustBeServers: Check = (value) =>
  Array.isArray(value) && value.length >= 1 && value.length <= MAX_LISTED_SERVERS
    ? undefined
    : `must be a list of 1 to ${MAX_LISTED_SERVERS} servers`;

const LISTING: Fields = {
  required: { userId: mustBeId, servers: mustBeServers },
  optional: {
    waitUntilConnected: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
    timeouts: mustBeObject,
    detail: mustBeOneOf(LIST_DETAILS),
    listId: mustBeStepId,
  },
};
const SERVER: Fields = { required: { mcpServerId: mustBeId }, optional: { account: mustBeId } };
const TIMEOUTS: Fields = {
  optional: { reauth: (value) => timeoutProblem('reauth', typeof value === 'string' ? value : '') },
};

/**
 * Checks the input, also against the workflow id: over HTTP, only that id proves whose listing it is.
 *
 * @param workflowId undefined: the id is made of the input
 */
export function parseListingInput(input: unknown, workflowId: string | undefined): ParsedListingInput {
  if (input === UNDECODABLE) return { ok: false, message: unreadable('input') };
  if (!isEncodableObject(input)) return { ok: false, message: 'the input must be one object' };
  const { userId, listId, servers, timeouts } = input;
  const problems = [
    ...fieldProblems(input, LISTING),
    ...(Array.isArray(servers) && mustBeServers(servers) === undefined ? serversProblems(servers) : []),
    ...(isEncodableObject(timeouts) ? fieldProblems(timeouts, TIMEOUTS, 'timeouts.') : []),
    ...(workflowId === undefined ? [] : problemsOfId({ userId, listId }, workflowId)),
  ];
  if (problems.length > 0) return { ok: false, message: messageOf(problems) };
  // The cast is safe: the checks above have passed.
  return { ok: true, plan: withDefaults(input as Record<string, unknown> & McpToolsInput, workflowId) };
}

/** Makes the plan that a listing with invalid input shows of itself. */
export function planForBadListing(input: unknown, workflowId: string): ListingPlan {
  const fields: Record<string, unknown> = isEncodableObject(input) ? input : {};
  const userId = typeof fields.userId === 'string' ? fields.userId : '';
  const waitUntilConnected = fields.waitUntilConnected === true;
  return withDefaults({ userId, servers: [], waitUntilConnected }, workflowId);
}

function problemsOfId({ userId, listId }: Record<string, unknown>, workflowId: string): string[] {
  // An invalid user id is reported elsewhere.
  const isValid = typeof userId === 'string' && mustBeId(userId) === undefined;
  return [
    ...idProblems({ userId, stepId: listId }, workflowId),
    ...(isValid ? listingWorkflowIdProblems(workflowId, userId) : []),
  ];
}

function serversProblems(servers: readonly unknown[]): string[] {
  const seen = new Set<string>();
  return servers.flatMap((server, index) => {
    const path = `servers[${index}]`;
    if (!isEncodableObject(server)) return [`${path} must be an object`];
    const problems = fieldProblems(server, SERVER, `${path}.`);
    const name = JSON.stringify([server.mcpServerId, server.account ?? DEFAULT_ACCOUNT]);
    if (problems.length === 0 && seen.has(name)) return [`${path} is named twice`];
    seen.add(name);
    return problems;
  });
}

function withDefaults(input: McpToolsInput, workflowId: string | undefined): ListingPlan {
  const { userId, waitUntilConnected, timeouts, detail, listId } = input;
  const stepId = listId ?? (workflowId === undefined ? '' : (stepIdIn(workflowId) ?? workflowId));
  const servers = input.servers.map(({ mcpServerId, account }) => ({
    mcpServerId,
    ...accountMember(account),
  }));
  return {
    ...listingIdentity(stepId, servers),
    userId,
    servers,
    waits: waitUntilConnected ?? false,
    detail: detail ?? 'full',
    reauthMs: (timeouts?.reauth && parseDuration(timeouts.reauth)) || DEFAULT_TIMEOUTS_MS.reauth,
  };
}
