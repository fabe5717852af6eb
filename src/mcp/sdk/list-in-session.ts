import type { Logger } from 'pino';
import { needsTask } from '../../contracts/needs-task.ts';
import type { Turns } from '../../turns/turns.ts';
import type { RequestOutcome } from '../http/classify-failure.ts';
import { tokenForSideRequest } from '../http/request-token.ts';
import { METHOD_NOT_FOUND } from '../http/rpc-message.ts';
import { createWatch, type Watch } from '../http/watch.ts';
import { rpcFailure } from '../mcp-failure.ts';
import type { McpTarget, ToolCall } from '../port.ts';
import type { ServerLimits } from '../server-limits.ts';
import type { ListedTool, SdkConnection } from './sdk-connection.ts';
import { type GatheredTools, gatherTools, type ListedTools, type PageAnswer } from './tool-list.ts';

export interface SessionListsDeps {
  turns: Turns;
  serverLimits: ServerLimits;
  /** Milliseconds for the list that a lookup needs. */
  checkTimeoutMs: number;
  logger?: Pick<Logger, 'warn'> | undefined;
}

/** The tools of a server, as one session sees them. */
export interface SessionLists {
  /** Reads all pages and remembers them in the session. */
  list(session: SdkConnection, target: McpTarget, watch: Watch): Promise<GatheredTools>;
  /**
   * Returns what the server's list says of a tool, or undefined if the server gives no list. A tool that was listed
   * as callable is remembered for the session. Otherwise the list is read again each time, because it may have changed.
   */
  lookUp(lookup: {
    session: SdkConnection;
    target: McpTarget;
    call: ToolCall;
  }): Promise<ListedTool | 'missing' | undefined>;
}

export function createSessionLists(deps: SessionListsDeps): SessionLists {
  const { turns, serverLimits, checkTimeoutMs, logger } = deps;

  async function list(session: SdkConnection, target: McpTarget, watch: Watch): Promise<GatheredTools> {
    const page = async (cursor: string | undefined, maxResultBytes: number) => {
      const params = cursor === undefined ? {} : { cursor };
      const request = { method: 'tools/list', params };
      return pageAnswer(await session.request(request, { ...target, maxResultBytes }, watch), session);
    };
    const { maxResultBytes } = target;
    const gathered = await gatherTools(page, { turns, limits: serverLimits, maxResultBytes });
    if (gathered.kind === 'listed') remember(gathered, session, target);
    return gathered;
  }

  function remember(
    { names, tools }: ListedTools,
    { listedTools }: SdkConnection,
    { mcpServerId }: McpTarget,
  ): void {
    listedTools.clear();
    for (const name of names) listedTools.set(name, 'callable');
    for (const tool of tools) if (needsTask(tool)) listedTools.set(tool.name, 'only-as-task');
    const unreadable = names.length - tools.length;
    if (unreadable > 0) logger?.warn({ mcpServerId, unreadable }, 'unreadable MCP tools left out');
  }

  const lookUp: SessionLists['lookUp'] = async ({ session, target: own, call }) => {
    if (session.listedTools.get(call.tool) === 'callable') return 'callable';
    const target = await tokenForSideRequest(own);
    if (target === undefined) return undefined;
    const watch = createWatch({ ceilingMs: checkTimeoutMs, signal: call.signal });
    try {
      const gathered = await list(session, target, watch);
      if (gathered.kind !== 'listed') return undefined;
      return session.listedTools.get(call.tool) ?? 'missing';
    } finally {
      watch.stop();
    }
  };

  return { list, lookUp };
}

function pageAnswer(outcome: RequestOutcome, session: SdkConnection): PageAnswer {
  if (outcome.kind !== 'rpc-error') return outcome;
  // The SDK's own server does not know `tools/list` before it has a tool, and does not announce tools then.
  const hasNone = outcome.code === METHOD_NOT_FOUND && !session.announcesTools();
  return hasNone ? { kind: 'result', result: { tools: [] }, size: 0 } : rpcFailure(outcome.code);
}
