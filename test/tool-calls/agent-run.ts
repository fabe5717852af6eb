// Workflow of a test: an application's own, which asks what its user's servers offer before it calls anything.
import {
  listMcpTools,
  type McpToolsInput,
  type McpToolsResult,
  type PreflightCall,
  type PreflightResult,
  preflightMcpTools,
} from 'latchkey/workflow';

export interface AgentRun {
  list: McpToolsInput;
  /** Checked first. */
  calls?: PreflightCall[];
  taskQueue: string;
  searchAttributes: boolean;
}

export interface AgentRunReport extends McpToolsResult {
  preflight?: PreflightResult;
}

export async function agentRun(run: AgentRun): Promise<AgentRunReport> {
  const { list, calls, taskQueue, searchAttributes } = run;
  const { userId } = list;
  const preflight = calls && (await preflightMcpTools({ userId, calls }, { taskQueue }));
  const listed = await listMcpTools(list, { taskQueue, searchAttributes });
  return { ...listed, ...(preflight && { preflight }) };
}
