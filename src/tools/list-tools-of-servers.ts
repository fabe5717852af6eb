import type { CredentialKey } from '../contracts/activities.ts';
import { charactersWithin } from '../contracts/json-size.ts';
import type { ListFailure, ToolsOfServer } from '../contracts/tools-of-server.ts';
import type { Logger } from '../logger.ts';
import { createTurns, type Turns } from '../turns/turns.ts';
import type { ListUserToolsOutcome } from './list-user-tools.ts';

export interface ListToolsOfServersDependencies {
  /** Of one server, within 15 s. */
  listTools(key: CredentialKey): Promise<ListUserToolsOutcome>;
  logger: Pick<Logger, 'error'>;
  turns?: Turns;
}

/** A user with hundreds of servers must not open as many connections at once, nor read as many lists. */
const AT_ONCE = 8;
/** Of all lists of an answer, which is in memory as a whole. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Lists the tools of several servers in parallel, in the order asked. One server's failure never hides
 * another's tools, not even an unexpected one. Lists that together are too long for one answer are left out, and their
 * servers say `result-too-large`; the others are there.
 */
export async function listToolsOfServers(
  deps: ListToolsOfServersDependencies,
  userId: string,
  mcpServerIds: readonly string[],
): Promise<ToolsOfServer[]> {
  const { turns = createTurns() } = deps;
  const lists: ToolsOfServer[] = [];
  const queue = mcpServerIds.entries();
  let left = MAX_CHARACTERS;
  const work = async () => {
    for (const [index, mcpServerId] of queue) {
      const list = left > 0 ? await listToolsOfServer(deps, { userId, mcpServerId }) : tooLarge(mcpServerId);
      const size = await turns.take(charactersOf(list, left));
      // Others may have taken it in between.
      const fits = size !== undefined && size <= left;
      lists[index] = fits ? list : tooLarge(mcpServerId);
      left -= fits ? size : 0;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return lists;
}

/** About how many characters a list has; undefined where they are more than `limit`. A tool at a time. */
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
): Promise<ToolsOfServer> {
  const { mcpServerId } = key;
  try {
    const outcome = await listTools(key);
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
    case 'unknown-server':
    case 'encryption-key-missing':
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
