import { mapConcurrently } from '../async/map-concurrently.ts';
import type { CountedBytes, MemoryShare } from '../async/memory-budget.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { charactersWithin } from '../contracts/json-size.ts';
import type { ToolDescription } from '../contracts/step.ts';
import type { Logger } from '../logging/logger.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import type { ListUserToolsOutcome } from './list-user-tools.ts';

export interface ListToolsOfAccountsDependencies {
  /** Lists the tools of one account within 15 s. */
  listTools(key: CredentialKey, counted?: CountedBytes): Promise<ListUserToolsOutcome>;
  /** Where the bytes of the lists are counted. Default: nowhere. */
  reading?: Pick<MemoryShare, 'begin'>;
  /** What is kept of a tool, before sizes are compared. Default: all of it. */
  cut?: (tool: ToolDescription) => ToolDescription;
  logger: Pick<Logger, 'error'>;
  turns?: Turns;
}

export type ListOfAccount =
  | ListUserToolsOutcome
  /** The list does not fit beside those that were read before it. */
  | { kind: 'too-large' }
  /** The process, or the user's other requests, left no room to read it now. */
  | { kind: 'no-room' }
  /** A bug, or a broken database. It is logged. */
  | { kind: 'internal' };

/** Limits the connections and lists of a user with hundreds of servers. */
const CONCURRENCY = 8;

/** Of UTF-8, for a character of a JavaScript string. */
const MAX_BYTES_PER_CHARACTER = 3;

/**
 * Lists the tools of several accounts in parallel, and returns the outcomes in the order of `keys`. A failure of one
 * account, even an unexpected one, never hides the tools of another.
 *
 * @param maxCharacters of all lists together, because they are in memory at once; lists beyond it are left out
 */
export async function listToolsOfAccounts(
  deps: ListToolsOfAccountsDependencies,
  keys: readonly CredentialKey[],
  maxCharacters: number,
): Promise<ListOfAccount[]> {
  const { turns = createTurns(), cut } = deps;
  let left = maxCharacters;
  const listIfItFits = async (key: CredentialKey): Promise<ListOfAccount> => {
    if (left <= 0) return { kind: 'too-large' };
    const counted = deps.reading?.begin();
    const list = cutTools(await listOrLog(deps, key, counted), cut);
    if (counted?.signal.aborted) return { kind: 'no-room' };
    const tools = list.kind === 'listed' ? list.tools : [];
    const size = await turns.take(charactersOf(tools, left));
    // Another list may have taken the room during the turns.
    if (size === undefined || size > left) {
      counted?.discard();
      return { kind: 'too-large' };
    }
    counted?.finish(cut && size * MAX_BYTES_PER_CHARACTER);
    left -= size;
    return list;
  };
  return mapConcurrently(keys, listIfItFits, CONCURRENCY);
}

function cutTools(list: ListOfAccount, cut: ListToolsOfAccountsDependencies['cut']): ListOfAccount {
  return list.kind === 'listed' && cut !== undefined ? { ...list, tools: list.tools.map(cut) } : list;
}

/** Estimates the characters of a list; undefined if there are more than `limit`. Yields after each tool. */
function* charactersOf(
  tools: readonly ToolDescription[],
  limit: number,
): Generator<void, number | undefined> {
  let characters = 0;
  for (const tool of tools) {
    const own = charactersWithin(tool, limit - characters);
    if (own === undefined) return undefined;
    characters += own;
    yield;
  }
  return characters;
}

async function listOrLog(
  { listTools, logger }: ListToolsOfAccountsDependencies,
  key: CredentialKey,
  counted: CountedBytes | undefined,
): Promise<ListOfAccount> {
  try {
    return await listTools(key, counted);
  } catch (error) {
    logger.error({ err: error, mcpServerId: key.mcpServerId }, "a server's tools could not be listed");
    return { kind: 'internal' };
  }
}
