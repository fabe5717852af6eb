import type { CountedBytes, MemoryShare } from '../async/memory-budget.ts';
import { credentialKey } from '../contracts/accounts.ts';
import type { CredentialKey, ListToolsInput, ToolListing } from '../contracts/activities.ts';
import { largestBeyond } from '../contracts/largest-beyond.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { connectUrl } from '../contracts/urls.ts';
import type { Logger } from '../logging/logger.ts';
import { createListBudget } from '../tools/list-budget.ts';
import { failureOf } from '../tools/list-failure.ts';
import { type ListOfAccount, listToolsOfAccounts } from '../tools/list-tools-of-accounts.ts';
import {
  type ListUserToolsDependencies,
  type ListUserToolsOutcome,
  listUserTools,
} from '../tools/list-user-tools.ts';
import { nameOnly } from '../tools/preflight.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import { writeJson } from '../turns/write-json.ts';
import { heartbeating } from './activity-context.ts';
import type { CallLimits } from './call-limits.ts';
import { TryLater } from './failures.ts';

export interface ListToolsDependencies extends ListUserToolsDependencies {
  limits: CallLimits;
  publicUrl: string;
  logger: Logger;
}

type Deps = ListToolsDependencies & { turns: Turns; listOne: typeof listUserTools };

/** Characters of all lists that one activity holds, before the largest are left out. */
const MAX_CHARACTERS = 8 * 1024 * 1024;
const BUSY_RETRY_MS = 1_000;

/**
 * Lists the tools of several accounts at once, renewing their tokens if necessary. Never waits for the user. Lists that
 * exceed `maxBytes` together are left out, the largest first, so that a large list costs no smaller one.
 *
 * @throws TryLater if the worker, or the user, reads too many lists at once
 */
export function createListTools(given: ListToolsDependencies, listOne = listUserTools) {
  const deps: Deps = { ...given, listOne, turns: createTurns() };
  const lists = createListBudget();
  return async function listTools(input: ListToolsInput): Promise<ToolListing[]> {
    const reading = await lists.enter(input.userId);
    if (reading === undefined) throw new TryLater('too many lists are being read', BUSY_RETRY_MS);
    return heartbeating(() => listAll(deps, input, reading)).finally(() => reading.end());
  };
}

async function listAll(deps: Deps, input: ListToolsInput, reading: MemoryShare): Promise<ToolListing[]> {
  const { userId, servers, detail, maxBytes } = input;
  const keys = servers.map((server) => credentialKey({ ...server, userId }));
  const listTools = (key: CredentialKey, counted?: CountedBytes) => listInTurn({ ...deps, counted }, key);
  // Before the sizes are compared, so that nothing is left out for what is dropped anyway.
  const cut = detail === 'names' ? nameOnly : withoutIcons;
  const lists = await listToolsOfAccounts({ ...deps, listTools, reading, cut }, keys, MAX_CHARACTERS);
  const listings: ToolListing[] = [];
  for (const [index, key] of keys.entries()) {
    listings.push(await listingOf(deps, key, lists[index] ?? { kind: 'internal' }));
  }
  return withinBytes(listings, maxBytes);
}

async function listInTurn(deps: Deps, key: CredentialKey): Promise<ListUserToolsOutcome> {
  const room = await deps.limits.lookups.enter(key);
  if (room.kind === 'full')
    return { kind: 'unavailable', cause: 'rate-limited', retryAfterMs: room.retryAfterMs };
  return deps.listOne(deps, key).finally(room.release);
}

async function listingOf(
  { publicUrl, turns }: Deps,
  { mcpServerId, account }: CredentialKey,
  list: ListOfAccount,
): Promise<ToolListing> {
  switch (list.kind) {
    case 'listed': {
      const { tools } = list;
      const { length: bytes } = await turns.take(writeJson(tools));
      return { kind: 'listed', tools, ...(list.paused && { paused: list.paused }), bytes };
    }
    case 'reauth-required':
      return { ...list, connectUrl: connectUrl(publicUrl, mcpServerId, undefined, account) };
    case 'insufficient-scope': {
      const { kind, challengedScopes, consent } = list;
      return consent === undefined
        ? { kind: 'failed', failure: { kind: 'auth', code: 'forbidden' } }
        : { kind, challengedScopes, ...consent };
    }
    case 'unavailable':
    case 'token-endpoint-unavailable': {
      const { retryAfterMs } = list;
      return mayPass(list, retryAfterMs);
    }
    case 'no-room':
    case 'key-missing':
    case 'internal':
      return mayPass(list);
    case 'too-large':
    case 'unknown-server':
    case 'misconfigured':
    case 'failed':
      return { kind: 'failed', failure: failureOf(list) };
    default:
      return list satisfies never;
  }
}

function mayPass(list: Exclude<ListOfAccount, { kind: 'listed' }>, retryAfterMs?: number): ToolListing {
  return {
    kind: 'failed',
    failure: failureOf(list),
    mayPass: true,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** No model sees them, and they may be large: an icon may be a `data:` URL. */
function withoutIcons({ icons: _, ...tool }: ToolDescription): ToolDescription {
  return tool;
}

function withinBytes(listings: ToolListing[], maxBytes: number): ToolListing[] {
  const bytesOf = (listing: ToolListing) => (listing.kind === 'listed' ? listing.bytes : 0);
  const tooLarge = largestBeyond(listings, maxBytes, bytesOf);
  return listings.map((listing) =>
    tooLarge.has(listing) ? { kind: 'failed', failure: failureOf({ kind: 'too-large' }) } : listing,
  );
}
