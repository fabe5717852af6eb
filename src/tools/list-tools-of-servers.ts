import { mapConcurrently } from '../async/map-concurrently.ts';
import type { CountedBytes, MemoryShare } from '../async/memory-budget.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { charactersWithin } from '../contracts/json-size.ts';
import type { ListFailure, ToolsOfServer } from '../contracts/tools-of-server.ts';
import type { Logger } from '../logging/logger.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import type { ListUserToolsOutcome } from './list-user-tools.ts';

export interface ListToolsOfServersDependencies {
  /** Lists the tools of one server within 15 s. */
  listTools(key: CredentialKey, counted?: CountedBytes): Promise<ListUserToolsOutcome>;
  /** Where the bytes of the lists are counted. Default: nowhere. */
  reading?: Pick<MemoryShare, 'begin'>;
  logger: Pick<Logger, 'error'>;
  turns?: Turns;
}

/** Limits the connections and lists of a user with hundreds of servers. */
const CONCURRENCY = 8;
/** The limit for all lists together, because the whole answer is in memory. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Lists the tools of several servers in parallel, and returns them in the order of `mcpServerIds`. A failure of one
 * server, even an unexpected one, never hides the tools of another. Lists that no longer fit into the answer are left
 * out, and their servers get the failure `result-too-large`.
 */
export async function listToolsOfServers(
  deps: ListToolsOfServersDependencies,
  userId: string,
  mcpServerIds: readonly string[],
): Promise<ToolsOfServer[]> {
  const { turns = createTurns() } = deps;
  let left = MAX_CHARACTERS;
  const listIfItFits = async (mcpServerId: string): Promise<ToolsOfServer> => {
    if (left <= 0) return tooLarge(mcpServerId);
    const counted = deps.reading?.begin();
    const list = await listToolsOfServer(deps, { userId, mcpServerId }, counted);
    const size = counted?.signal.aborted ? undefined : await turns.take(charactersOf(list, left));
    // Another list may have taken the room during the turns.
    if (size === undefined || size > left) {
      counted?.discard();
      return tooLarge(mcpServerId);
    }
    counted?.finish();
    left -= size;
    return list;
  };
  return mapConcurrently(mcpServerIds, listIfItFits, CONCURRENCY);
}

/** Estimates the characters of a list; undefined if there are more than `limit`. Yields after each tool. */
function* charactersOf(list: ToolsOfServer, limit: number): Generator<void, number | undefined> {
  if ('failure' in list) return charactersWithin(list, limit);
  let characters = 0;
  for (const tool of list.tools) {
    const own = charactersWithin(tool, limit - characters);
    if (own === undefined) return undefined;
    characters += own;
    yield;
  }
  return characters;
}

function tooLarge(mcpServerId: string): ToolsOfServer {
  return { mcpServerId, failure: { kind: 'unknown', code: 'result-too-large' } };
}

async function listToolsOfServer(
  { listTools, logger }: ListToolsOfServersDependencies,
  key: CredentialKey,
  counted: CountedBytes | undefined,
): Promise<ToolsOfServer> {
  const { mcpServerId } = key;
  try {
    const outcome = await listTools(key, counted);
    return outcome.kind === 'listed'
      ? { mcpServerId, tools: outcome.tools }
      : { mcpServerId, failure: failureOf(outcome) };
  } catch (error) {
    logger.error({ err: error, mcpServerId }, "a server's tools could not be listed");
    return { mcpServerId, failure: { kind: 'unknown', code: 'internal' } };
  }
}

function failureOf(outcome: Exclude<ListUserToolsOutcome, { kind: 'listed' }>): ListFailure {
  switch (outcome.kind) {
    case 'reauth-required':
      return { kind: 'auth', code: 'needs-oauth-reauth' };
    case 'insufficient-scope':
      return { kind: 'auth', code: 'needs-oauth-scope' };
    case 'unavailable':
      return { kind: 'connection', code: 'server-unavailable' };
    case 'token-endpoint-unavailable':
      return { kind: 'connection', code: outcome.kind };
    case 'key-missing':
      return { kind: 'unknown', code: 'encryption-key-missing' };
    case 'unknown-server':
    case 'misconfigured':
      return { kind: 'unknown', code: outcome.kind };
    case 'failed':
      return failureOfAnswer(outcome);
    default:
      return outcome satisfies never;
  }
}

function failureOfAnswer({ code }: Extract<ListUserToolsOutcome, { kind: 'failed' }>): ListFailure {
  if (code === 'forbidden') return { kind: 'auth', code };
  return { kind: 'unknown', code: code === 'result-too-large' ? code : 'protocol-error' };
}
