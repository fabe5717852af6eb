import type { DescribeToolInput, DescribeToolOutcome } from '../contracts/activities.ts';
import { needsTask } from '../contracts/needs-task.ts';
import type { ToolAnnotations } from '../contracts/step.ts';
import { type AccessDependencies, type ReadyAccess, readStepAccess } from '../credentials/access.ts';
import { mcpTarget } from '../mcp/mcp-target.ts';
import type { ListToolsOutcome, McpPort } from '../mcp/port.ts';
import { onlyAsTask } from '../mcp/task-support.ts';
import type { CallLimits } from './call-limits.ts';
import { obstacleOfAccess, obstacleOfRefusal, storeUnavailable, tooManyCalls } from './obstacle.ts';

const LIST_TIMEOUT_MS = 15_000;

export interface DescribeToolDependencies extends AccessDependencies {
  mcp: McpPort;
  limits: CallLimits;
}

/** Returns a tool's annotations if its server is trusted. A server that is not trusted is not asked. */
export function createDescribeTool(deps: DescribeToolDependencies) {
  return async function describeTool(input: DescribeToolInput): Promise<DescribeToolOutcome> {
    const room = deps.limits.lookups.take(input);
    if (room.kind === 'full') return tooManyCalls(room.retryAfterMs);
    return lookUp(deps, input).finally(room.release);
  };
}

async function lookUp(
  deps: DescribeToolDependencies,
  input: DescribeToolInput,
): Promise<DescribeToolOutcome> {
  const access = await readStepAccess(deps, input, input.justRenewed).catch(() => undefined);
  if (access === undefined) return storeUnavailable();
  if (access.kind !== 'ready') return obstacleOfAccess(access);
  if (!access.server.trustAnnotations) return { kind: 'described' };
  const listed = await deps.mcp.listTools(mcpTarget(input, access), { timeoutMs: LIST_TIMEOUT_MS });
  return describe(listed, access, input.tool);
}

/** Characters. Temporal takes no result of more than 2 MiB, and keeps each in the history. */
const MAX_TITLE = 1_000;

function shortened({ title, ...hints }: ToolAnnotations): ToolAnnotations {
  // Without half of a surrogate pair, which is not text.
  return title === undefined ? hints : { ...hints, title: title.slice(0, MAX_TITLE).replace(/\p{Cs}$/u, '') };
}

async function describe(
  listed: ListToolsOutcome,
  access: ReadyAccess,
  name: string,
): Promise<DescribeToolOutcome> {
  switch (listed.kind) {
    case 'listed': {
      const tool = listed.tools.find((candidate) => candidate.name === name);
      if (tool === undefined)
        return { kind: 'failed', code: 'unknown-tool', message: 'the server has no such tool' };
      // Fails before a person is asked to approve a call that can't be made.
      if (needsTask(tool)) return onlyAsTask(name);
      return { kind: 'described', ...(tool.annotations && { annotations: shortened(tool.annotations) }) };
    }
    case 'unauthorized':
    case 'insufficient-scope':
      return obstacleOfRefusal(listed, access);
    case 'token-stale':
      return { kind: 'token-stale', seen: access.versions };
    // A list has no side effects, so it is safe to repeat even if it was sent.
    case 'unavailable':
      return { ...listed, kind: 'not-sent' };
    case 'failed':
      return listed;
    default:
      return listed satisfies never;
  }
}
