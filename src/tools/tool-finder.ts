import { raceTimeout } from '../async/deadline.ts';
import type { CountedBytes, MemoryBudget } from '../async/memory-budget.ts';
import { accountOf } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { charactersWithin } from '../contracts/json-size.ts';
import type { ToolDescription } from '../contracts/step.ts';
import type { ListUserToolsOutcome } from './list-user-tools.ts';

/** Why the tools of a server can't be listed. */
export type NoTools =
  | Exclude<ListUserToolsOutcome, { kind: 'listed' }>
  /** The server has not answered yet. The list is read on, for the next request. */
  | { kind: 'slow' }
  /** Too many lists are being read at once. */
  | { kind: 'busy' };

export type FoundTools =
  | { kind: 'listed'; tools: readonly ToolDescription[] }
  | { kind: 'unavailable'; why: NoTools };

export type FoundTool =
  | { kind: 'found'; tool: ToolDescription }
  | { kind: 'unavailable'; why: NoTools | { kind: 'unknown-tool' } };

/** The tools of a user's servers, for pages: kept for a minute, and waited for a short time. */
export interface ToolFinder {
  list(key: CredentialKey): Promise<FoundTools>;
  /** Finds one tool by its name. */
  find(key: CredentialKey, tool: string): Promise<FoundTool>;
}

export interface ToolFinderDependencies {
  /** Reads the list within 15 s. */
  listTools(key: CredentialKey, counted?: CountedBytes): Promise<ListUserToolsOutcome>;
  /** Default: lists are not counted. */
  lists?: Pick<MemoryBudget, 'enter'>;
  /** What a list is bound to, beside its key: tools/list-binding.ts. Default: nothing. */
  bindingOf?(key: CredentialKey): Promise<string>;
  /** Milliseconds that a page waits for a list. Default 3,000. */
  waitMs?: number;
  /** Milliseconds. Default: the clock of the process. */
  now?: () => number;
}

interface Known {
  until: number;
  found: FoundTools;
  characters: number;
}

const WAIT_MS = 3_000;
const KEPT_MS = 60_000;
/** A server that is down is not asked again by every page. */
const FAILURE_KEPT_MS = 5_000;
const MAX_KNOWN = 300;
/** In memory, a list takes several times as much. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
const MAX_LIST_CHARACTERS = 2 * 1024 * 1024;

/**
 * Keeps lists of tools for a minute, so that a page that is rendered again costs no request at the MCP server. A page
 * may show a tool that has changed meanwhile; the step's worker asks the server itself. Failures that
 * the user can fix are not cached.
 */
export function createToolFinder(deps: ToolFinderDependencies): ToolFinder {
  const { waitMs = WAIT_MS, now = () => performance.now() } = deps;
  const known = createKnownLists(now);
  const current = new Map<string, Promise<FoundTools>>();

  async function read(name: string, key: CredentialKey): Promise<FoundTools> {
    try {
      const found = await readList(deps, key);
      known.keep(name, found);
      return found;
    } finally {
      current.delete(name);
    }
  }

  async function nameOf(key: CredentialKey): Promise<string> {
    return JSON.stringify([key.userId, key.mcpServerId, accountOf(key), await deps.bindingOf?.(key)]);
  }

  async function listNamed(name: string, key: CredentialKey): Promise<FoundTools> {
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    const reading = current.get(name) ?? read(name, key);
    current.set(name, reading);
    // The page may be gone when the reading fails.
    reading.catch(() => {});
    return raceTimeout({ ms: waitMs, ref: false }, reading, () => unavailable({ kind: 'slow' }));
  }

  return {
    list: async (key) => listNamed(await nameOf(key), key),
    async find(key, tool) {
      const listName = await nameOf(key);
      const toolName = JSON.stringify([listName, tool]);
      const found = known.get(toolName) ?? (await listNamed(listName, key));
      if (found.kind !== 'listed') return found;
      const description = found.tools.find(({ name }) => name === tool);
      // Of a list that is too large to be kept, the page that asks again and again shows this tool alone.
      if (description !== undefined && known.get(listName) === undefined && found.tools.length > 1)
        known.keep(toolName, { kind: 'listed', tools: [description] });
      return description === undefined
        ? { kind: 'unavailable', why: { kind: 'unknown-tool' } }
        : { kind: 'found', tool: description };
    },
  };
}

async function readList(
  { listTools, lists }: ToolFinderDependencies,
  key: CredentialKey,
): Promise<FoundTools> {
  const reading = await lists?.enter(key.userId);
  if (lists !== undefined && reading === undefined) return unavailable({ kind: 'busy' });
  try {
    const outcome = await listTools(key, reading?.begin());
    return outcome.kind === 'listed'
      ? { kind: 'listed', tools: outcome.tools.map(withoutUnused) }
      : unavailable(outcome);
  } finally {
    reading?.end();
  }
}

/** Pages show neither. Both may be large. */
function withoutUnused({ outputSchema: _, icons: __, ...tool }: ToolDescription): ToolDescription {
  return tool;
}

function unavailable(why: NoTools): Extract<FoundTools, { kind: 'unavailable' }> {
  return { kind: 'unavailable', why };
}

/** The lists that were read lately, the oldest first. */
function createKnownLists(now: () => number) {
  const lists = new Map<string, Known>();
  let characters = 0;

  function remove(name: string): void {
    characters -= lists.get(name)?.characters ?? 0;
    lists.delete(name);
  }

  function makeRoom(): void {
    for (const name of lists.keys()) {
      if (lists.size <= MAX_KNOWN && characters <= MAX_CHARACTERS) return;
      remove(name);
    }
  }

  return {
    get(name: string): FoundTools | undefined {
      const list = lists.get(name);
      if (list === undefined || now() < list.until) return list?.found;
      remove(name);
      return undefined;
    },
    keep(name: string, found: FoundTools): void {
      const keptMs = msToKeep(found);
      const size = charactersWithin(found, MAX_LIST_CHARACTERS);
      if (keptMs === 0 || size === undefined) return;
      remove(name);
      lists.set(name, { until: now() + keptMs, found, characters: size });
      characters += size;
      makeRoom();
    },
  };
}

function msToKeep(found: FoundTools): number {
  if (found.kind === 'listed') return KEPT_MS;
  const { kind } = found.why;
  return kind === 'unavailable' || kind === 'failed' ? FAILURE_KEPT_MS : 0;
}
